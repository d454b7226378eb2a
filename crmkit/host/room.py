"""Where the files of a plugin are, and whose fault it is when they fail."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from crmkit.host.manifest import Plugin
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def own_module(plugin: type[Plugin]) -> ModuleType | None:
    """The module of a plugin, if it holds that plugin and no other."""
    module = import_module(plugin.__module__)
    here = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, Plugin)
        and each.__module__ == module.__name__
    ]
    return module if here == [plugin] else None


def home_of(plugin: type[Plugin]) -> str | None:
    """The room that a plugin's models live in: its package, or its only file."""
    return package_of(plugin) or (plugin.__module__ if own_module(plugin) else None)


def package_of(plugin: type[Plugin]) -> str | None:
    """The package of a plugin whose class is in its plugin.py; others are one file."""
    package, _, file = plugin.__module__.rpartition(".")
    return package if package and file == "plugin" else None


def part(plugin: type[Plugin], file: str) -> ModuleType | None:
    """A file of the plugin's room, if it has one."""
    package = package_of(plugin)
    if package is None or find_spec(f"{package}.{file}") is None:
        return None
    with naming(plugin, f"{package}.{file}"):
        return import_module(f"{package}.{file}")


@contextmanager
def naming(plugin: type[Plugin], step: str) -> Iterator[None]:
    """Turns whatever a plugin's own code raises into a sentence that names it."""
    try:
        yield
    except SetupError:
        raise
    except Exception as error:
        raise SetupError(
            f"The plugin {plugin.name} fails in {step}, {type(error).__name__}: {error}; "
            f"mend it, or take {plugin.name} out of [plugins] enabled."
        ) from error

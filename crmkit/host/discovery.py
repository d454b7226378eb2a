"""The plugins that are installed, read from metadata: only the enabled ones are imported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from sqlalchemy.exc import InvalidRequestError

from crmkit.host.manifest import Plugin
from crmkit.store.database import Base
from crmkit.values.errors import SetupError

GROUP = "crmkit.plugins"
DISTRIBUTION = "crmkit"


@dataclass(frozen=True)
class Available:
    """An entry point that names a plugin, not yet imported."""

    name: str
    entry_point: EntryPoint

    @cached_property
    def distribution(self) -> str:
        """The name of the distribution that brings it; a file is read for it."""
        return self.entry_point.dist.name if self.entry_point.dist else "nothing installed"

    @property
    def bundled(self) -> bool:
        return self.distribution == DISTRIBUTION


def discover() -> list[Available]:
    """Lists the installed plugins without importing any."""
    found = [Available(each.name, each) for each in entry_points(group=GROUP)]
    return sorted(found, key=lambda each: (not each.bundled, each.name, each.distribution))


def imported(available: Available) -> type[Plugin]:
    """Imports a plugin.

    Raises:
        SetupError: It cannot be imported, or is no plugin of that name.
    """
    path = available.entry_point.value
    try:
        found = available.entry_point.load()
    except InvalidRequestError as error:
        raise SetupError(_taken(available.name, error)) from error
    except Exception as error:  # What a stranger's module raises can be anything.
        raise SetupError(
            f"The plugin {available.name} ({path}) cannot be imported, "
            f"{type(error).__name__}: {error}; "
            f"install what it needs, or take {available.name} out of [plugins] enabled."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Plugin)):
        raise SetupError(
            f"The entry point {available.name} = {path} is no plugin; name a subclass of sdk.Plugin."
        )
    if getattr(found, "name", None) != available.name:
        raise SetupError(
            f"The entry point {available.name} = {path} names the plugin "
            f"{getattr(found, 'name', '(without a name)')}; give both one name."
        )
    return found


def _taken(plugin: str, error: InvalidRequestError) -> str:
    """SQLAlchemy refuses a second table of one name while the later plugin is imported."""
    for name, table in Base.metadata.tables.items():
        if f"Table '{name}' is already defined" in str(error):
            first = table.info["model"].__module__
            return (
                f"The plugin {plugin} takes the table {name}, which {first} has already; "
                f"begin the names of its own tables with {plugin}_."
            )
    return f"The models of the plugin {plugin} cannot be used: {error}."

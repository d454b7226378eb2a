"""`crmkit plugins show NAME`: the page of a plugin, from what it declares."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING

from pydantic_core import to_json
from rich.console import Console

from crmkit.app import begun_schema_of, load_plugins
from crmkit.cli.running import log_to_stderr
from crmkit.engine.descriptions import attribute_docs
from crmkit.engine.fields import is_filterable
from crmkit.engine.mutations import InputExtension
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    from crmkit.engine.nodes import NodeSpec
    from crmkit.graph.schema import Schema
    from crmkit.host.jobs import JobBuilder
    from crmkit.host.loaded import Loaded, LoadedPlugin

_OUT = Console(highlight=False)


def show(name: str) -> None:
    """Writes the page of an enabled plugin to the standard output.

    Raises:
        SetupError: It is not enabled.
    """
    log_to_stderr(logging.WARNING)
    settings = load_settings()
    loaded = load_plugins(settings)
    if name not in loaded:
        known = ", ".join(each.name for each in loaded.plugins)
        raise SetupError(f"The plugin {name} is not enabled; say one of {known}.")
    _OUT.out(page(loaded, begun_schema_of(loaded, settings), name), end="", highlight=False)


def page(loaded: Loaded, schema: Schema, name: str) -> str:
    """What a plugin adds, in Markdown."""
    plugin = loaded[name]
    sections = {
        "Options": _options(plugin),
        "Types": _types(schema, name),
        "Fields on types of others": _fields(schema, name),
        "Mutations": _mutations(schema, name),
        "Fields in inputs of others": _extended(plugin),
        "Permissions": _named(plugin.permissions.permissions),
        "Files that `crmkit import` reads": (f"- `{each}`" for each in plugin.imports.imports),
        "Events": (
            f"- `{event}`: {_first(inspect.getdoc(each))}"
            for event, each in plugin.events.events.items()
        ),
        "Listens to": (
            f"- `{each.event}` after the commit, in `{each.name}`"
            for each in plugin.events.subscriptions
        ),
        "Listens to everything": (
            f"- after the commit, in `{each.name}`{', as far as it wants to' if each.wants else ''}"
            for each in plugin.events.overhearing
        ),
        "Jobs": _jobs(plugin.jobs),
        "Hooks that it offers": (
            f"- `{each.name}`: {_first(inspect.getdoc(each.function))}"
            for each in loaded.hooks.specs.values()
            if each.plugin == name
        ),
        "Hooks that it implements": (f"- `{each}`" for each in loaded.hooks.implemented_by(name)),
    }
    told = {title: list(lines) for title, lines in sections.items()}
    return "\n".join(_section(title, lines) for title, lines in told.items() if lines)


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *lines, ""])


def _options(plugin: LoadedPlugin) -> Iterator[str]:
    """What `[plugins.<name>]` can say, with what counts where it says nothing."""
    config = type(plugin.manifest).Config
    docs = attribute_docs(config)
    for name, field in config.model_fields.items():
        yield f"- `{name}`{_default(field)}: {' '.join(docs.get(name, '').split())}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return " (must be said)"
    value = field.get_default(call_default_factory=True)
    # As JSON, which reads like TOML for all that an option can be.
    shown = to_json(value, fallback=str).decode()
    return "" if value is None or value in ((), {}) else f" (`{shown}`)"


def _types(schema: Schema, name: str) -> Iterator[str]:
    registry = schema.registry
    for cls, spec in registry.nodes.items():
        if registry.owners[cls] == name:
            yield f"- `{spec.name}`{_listed(spec)}: {_first(inspect.getdoc(cls))} `{spec.read}`"


def _listed(spec: NodeSpec) -> str:
    return f", listed by `{spec.list_name}`" if spec.list_name else ""


def _fields(schema: Schema, name: str) -> Iterator[str]:
    registry = schema.registry
    for cls, spec in registry.nodes.items():
        for each in registry.fields_of(cls):
            if each.owner == name != registry.owners[cls]:
                found = ", filterable and sortable" if is_filterable(each) else ""
                yield f"- `{spec.name}.{registry.name(each)}`{found}: {_first(each.description)}"


def _mutations(schema: Schema, name: str) -> Iterator[str]:
    for each in schema.mutations.values():
        if each.plugin == name:
            yield f"- `{each.name}`: {_first(each.field.description)} `{each.permission}`"


def _extended(plugin: LoadedPlugin) -> Iterator[str]:
    """The fields, named as the plugin, that it adds to inputs of others."""
    for part in plugin.schema.parts:
        if isinstance(extension := vars(part).get("__input_extension__"), InputExtension):
            target = extension.target
            name = target.__name__ if isinstance(target, type) else target.rpartition(".")[2]
            yield f"- `{name}Input.{plugin.name}`: {_first(inspect.getdoc(extension.cls))}"


def _jobs(jobs: JobBuilder) -> Iterator[str]:
    for name, each in jobs.functions.items():
        comes = f" ({jobs.schedules[name].text})" if name in jobs.schedules else ""
        yield f"- `{name}`{comes}: {_first(inspect.getdoc(each.function))}"


def _named(given: Mapping[str, str]) -> Iterator[str]:
    return (f"- `{key}`: {text}" for key, text in given.items())


def _first(text: str | None) -> str:
    return (text or "").partition("\n\n")[0].replace("\n", " ")

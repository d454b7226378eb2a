"""`crmkit plugins hooks`: everything that a plugin can implement, with exact signatures."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import logging
import textwrap
from typing import TYPE_CHECKING, Any

from rich.console import Console

from crmkit.app import load_plugins
from crmkit.cli.running import log_to_stderr
from crmkit.host.manifest import Plugin
from crmkit.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crmkit.host.events import Event
    from crmkit.host.loaded import Loaded

_OUT = Console(highlight=False)
_WIDTH = 100  # of a line in the house

_TITLE = """# Every hook

What a plugin can implement, from the code itself (`crmkit plugins hooks`). Registration and
the moments of its life are methods of its class; hooks in the unit are functions of its
`plugin.py` marked with `@sdk.hook`, or `@sdk.hook(of="orders")` for a hook of a plugin that may
be absent. `Context` is `sdk.Context` of the plugin's own options; a `Draft` has `.input` (what
was asked for), `.row` (what it becomes), `.extension(T)` and `.index`.
"""
_LIFE = """## Registration and life

Methods of the plugin's class, called once for each app; the builders of `register_…` know
whose they are.
"""
_UNIT = """## In the unit: {plugin}

Called in the transaction of what happens, with one record or a thousand; the order is the
order of loading. Whoever raises here undoes it all.
"""
_EVENTS = """## After the commit: events

`@events.on("core.CustomersCreated")` in `register_events` has a handler told of them at least
once, in the order of each record, in a unit of its own. It may name several events, and a handler
that takes `Sequence[sdk.CustomersCreated]` is told of all that has come in one unit.
"""


def hooks() -> None:
    """Writes the page to the standard output, for the plugins that are enabled."""
    log_to_stderr(logging.WARNING)
    _OUT.out(page(load_plugins(load_settings())), end="", highlight=False)


def page(loaded: Loaded) -> str:
    """The page, in Markdown."""
    parts = [_TITLE, _LIFE, *map(_shown, _moments())]
    by_plugin: dict[str, list[Callable[..., Any]]] = {}
    for spec in loaded.hooks.specs.values():
        by_plugin.setdefault(spec.plugin, []).append(spec.function)
    for plugin, offered in by_plugin.items():
        parts += [_UNIT.format(plugin=plugin), *map(_shown, offered)]
    parts += [_EVENTS, *_told(loaded)]
    return "\n".join(parts)


def _moments() -> Iterable[Callable[..., Any]]:
    """The methods of a plugin that its author may write."""
    return [each for name, each in vars(Plugin).items() if inspect.isfunction(each)]


def _shown(function: Callable[..., Any]) -> str:
    said = (inspect.getdoc(function) or "").partition("\n")[0]
    return f"```python\n{_signature(function)}\n```\n\n{said}\n"


def _signature(function: Callable[..., Any]) -> str:
    """The head of a function as its source has it, on as many lines as ruff would give it."""
    [node] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101  it is a function
    arguments = ast.unparse(node.args)
    node.decorator_list, node.body = [], [ast.Expr(ast.Constant(...))]
    head = ast.unparse(node).replace("\n    ", " ")
    if len(head) <= _WIDTH:
        return head
    return head.replace(f"({arguments})", f"(\n    {arguments}\n)")


def _told(loaded: Loaded) -> Iterator[str]:
    for plugin in loaded.plugins:
        events = plugin.events.events
        if events:
            yield "\n".join(_row(name, event) for name, event in events.items()) + "\n"


def _row(name: str, event: type[Event]) -> str:
    """An event with what it says; `record` alone, which all have, is not worth a word."""
    own = [each for each in dataclasses.fields(event) if each.name != "record"]
    said = ", ".join(f"{each.name}: {each.type}" for each in own) or "record: str"
    return f"- `{name}({said})`: {inspect.getdoc(event)}"

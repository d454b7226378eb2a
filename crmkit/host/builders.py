"""What `register_*` is given: every contribution has an owner."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from crmkit.host.context import Event
from crmkit.values.errors import SetupError

E = TypeVar("E", bound=type[Event])
Handle = Callable[[Any, Any], Awaitable[None]]
H = TypeVar("H", bound=Handle)

_PERMISSION = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*){2}")


class SchemaBuilder:
    """Collects nodes, extensions, inputs and mutations; the registry reads them."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.parts: list[Any] = []

    def add(self, *parts: Any) -> None:
        self.parts.extend(parts)


class PermissionBuilder:
    """Collects permissions named `<plugin>.<object>.<action>`."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.permissions: dict[str, str] = {}

    def add(self, key: str, description: str) -> None:
        """Names a permission, with a sentence for whoever grants it.

        Raises:
            SetupError: The name is taken, or not in this plugin's namespace.
        """
        if key in self.permissions:
            raise SetupError(
                f"The plugin {self.plugin} registers the permission {key} twice; remove one."
            )
        if not _PERMISSION.fullmatch(key) or not key.startswith(f"{self.plugin}."):
            raise SetupError(
                f"The plugin {self.plugin} registers the permission {key}; "
                f"name it {self.plugin}.<object>.<action>."
            )
        self.permissions[key] = description


@dataclass(frozen=True)
class Subscription:
    """A function that is called after the commit of what it listens to."""

    event: str
    function: Handle


class EventBuilder:
    """Collects the events that a plugin emits, and its handlers."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.events: dict[str, type[Event]] = {}
        self.subscriptions: list[Subscription] = []

    def add(self, *events: type[Event]) -> None:
        """Lists events that this plugin emits."""
        for event in events:
            name = f"{self.plugin}.{event.__name__}"
            if name in self.events:
                raise SetupError(f"The plugin {self.plugin} registers {name} twice; remove one.")
            self.events[name] = event

    def on(self, event: str) -> Callable[[H], H]:
        """Lists the decorated function as a handler of `event`, such as `core.CustomerMoved`.

        It runs at least once per event, in a unit of its own, bound to this plugin.
        """

        def decorate(function: H) -> H:
            self.subscriptions.append(Subscription(event, function))
            return function

        return decorate


@dataclass(frozen=True)
class Import:
    """A kind of file: what a row of it is, and the function that takes rows in."""

    name: str
    plugin: str
    row: type
    function: Any


class ImportBuilder:
    """Collects the kinds of file that a plugin reads."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.imports: dict[str, Import] = {}

    def add(self, name: str, row: type, function: Any) -> None:
        if name in self.imports:
            raise SetupError(
                f"The plugin {self.plugin} registers the import {name} twice; remove one."
            )
        self.imports[name] = Import(name, self.plugin, row, function)

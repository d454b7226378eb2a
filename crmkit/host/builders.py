"""What `register_*` is given: every contribution has an owner."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy.orm import InstrumentedAttribute

from crmkit.host.events import Event
from crmkit.store.database import attribute, ensure_index
from crmkit.store.reach import scope_of, target_of
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from sqlalchemy import Table

    from crmkit.store.reach import Extent

E = TypeVar("E", bound=type[Event])
Handle = Callable[[Any, Any], Awaitable[None]]
H = TypeVar("H", bound=Handle)
Wants = Callable[[Any], Awaitable[Collection[str]]]
R = TypeVar("R", bound=BaseModel)

_PERMISSION = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*){2}")


@dataclass(frozen=True, eq=False)
class TimelineKind:
    """Records of one node that stand in the timeline of the record whose they are."""

    node: type
    at: InstrumentedAttribute[Any]
    key: str
    summary: Any


@dataclass(frozen=True, eq=False)
class Live:
    """A field of Subscription: the records of a node that these events are about."""

    name: str
    node: type
    on: tuple[str, ...]
    gone: tuple[str, ...]
    description: str


class SchemaBuilder:
    """Collects nodes, extensions, inputs and mutations; the registry reads them."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.parts: list[Any] = []

    def add(self, *parts: Any) -> None:
        self.parts.extend(parts)

    def timeline(self, node: type, *, at: InstrumentedAttribute[Any], summary: str) -> None:
        """Lets the records of a node stand in the timeline of the customer whose they are.

        The index by which they are found is added to their table.

        Args:
            node: The node type.
            at: When it happened, a column that is never empty.
            summary: What it says in a line: `sdk.computed(function, …)` of a function that
                takes the keyword `locale`.

        Raises:
            SetupError: The column can be empty, or the table is of nobody in particular.
        """
        table, column = attribute(at)
        if column.nullable:
            raise SetupError(
                f"The plugin {self.plugin} puts {node.__name__} into the timeline by {column}, which "
                "can be empty; name a column that never is, such as created_at."
            )
        key = _key_to_root(table)
        if key is None:
            raise SetupError(
                f"The plugin {self.plugin} puts {node.__name__} into the timeline, but no single key "
                f"says whose the rows of {table.name} are; write __scope__ = sdk.through(key) into "
                "its model."
            )
        ensure_index(table, key, column.name, "id")
        self.parts.append(TimelineKind(node, at, key, summary))

    def live(
        self,
        name: str,
        node: type,
        *,
        on: Sequence[type[Event] | str],
        gone: Sequence[type[Event] | str] = (),
        description: str | None = None,
    ) -> None:
        """Tells subscribers of records of a node when one of these events was committed.

        An event is about the records of that kind whose ids it holds. A subscriber hears of
        those that he may see and that fulfil his `where`, as they are by then.

        Args:
            name: The field of Subscription, such as `ordersRecorded`.
            node: The node type.
            on: Events of this plugin, or names of others' such as `"core.CustomersMoved"`.
            gone: Events after which records are not to be seen any more: of these he hears
                the ids alone. One that is about others as well stands in both.
            description: What is told; what the events say of themselves, unless given.

        Raises:
            SetupError: Nobody has said what is told.
        """
        listed = [*on, *gone]
        told = description or " ".join(
            inspect.getdoc(each) or "" for each in listed if not isinstance(each, str)
        )
        if not told.strip():
            raise SetupError(
                f"The plugin {self.plugin} says nowhere what {name} tells; write description=."
            )
        self.parts.append(Live(name, node, self._names(on), self._names(gone), told))

    def _names(self, events: Sequence[type[Event] | str]) -> tuple[str, ...]:
        return tuple(
            each if isinstance(each, str) else f"{self.plugin}.{each.__name__}" for each in events
        )


def _key_to_root(table: Table) -> str | None:
    """The one key by which a table belongs directly to those whom row scopes are about."""
    scope = scope_of(table)
    if len(scope.keys) == 1 and scope_of(target_of(table, scope.keys[0])).kind == "root":
        return scope.keys[0]
    return None


COLLEAGUES = ("manager", "sales", "support", "marketing")

PRESETS = ("admin", *COLLEAGUES, "read_only", "public_form", "public")
"""The roles that every app begins with: admins have all permissions, readers all of reading.

A public form is a key in a page of the company's; `public` is whoever has not signed in.
"""


class PermissionBuilder:
    """Collects permissions named `<plugin>.<object>.<action>`, and row scopes."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.permissions: dict[str, str] = {}
        self.presets: dict[str, set[str]] = {each: set() for each in PRESETS}
        self.scopes: dict[str, Extent] = {}

    def add(self, key: str, description: str, *, roles: Sequence[str] | None = None) -> None:
        """Names a permission, with a sentence for whoever grants it.

        Args:
            key: `<plugin>.<object>.<action>`.
            description: What it allows.
            roles: The roles of every app that begin with it, besides admins, who have all,
                and readers, who have what ends in `.read`. Unless said, these are managers,
                and where it ends in `.read` those of sales, support and marketing as well.

        Raises:
            SetupError: The name is taken, or not in this plugin's namespace; or there is no
                such role.
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
        reads = key.endswith(".read")
        by_default = COLLEAGUES if reads else ("manager",)
        readers = ("read_only",) if reads else ()
        for role in ("admin", *readers, *(by_default if roles is None else roles)):
            if role not in self.presets:
                raise SetupError(
                    f"The plugin {self.plugin} gives {key} to the role {role}; there are "
                    f"{', '.join(PRESETS)}."
                )
            self.presets[role].add(key)

    def scope(self, name: str, extent: Extent) -> None:
        """Offers roles a row scope: a condition on rows of the customer's table.

        It uses the table's columns and `sdk.actor_value("user")` or `("team")`, and reads nothing
        else. Roles name it `<plugin>.<name>`.

        Raises:
            SetupError: The name is taken.
        """
        if f"{self.plugin}.{name}" in self.scopes:
            raise SetupError(
                f"The plugin {self.plugin} registers the row scope {name} twice; remove one."
            )
        self.scopes[f"{self.plugin}.{name}"] = extent


@dataclass(frozen=True)
class Subscription:
    """A function that is called after the commit of what it listens to."""

    event: str
    function: Handle
    wants: Wants | None = None

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def is_plural(self) -> bool:
        """Whether it takes `Sequence[…]`: as a text, for its names may be a type checker's alone."""
        *_, events = inspect.signature(self.function).parameters.values()
        said = inspect.formatannotation(events.annotation).strip("'")
        return said.partition("[")[0].rpartition(".")[2] == "Sequence"


class EventBuilder:
    """Collects the events that a plugin emits, and its handlers."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.events: dict[str, type[Event]] = {}
        self.subscriptions: list[Subscription] = []
        self.overhearing: list[Subscription] = []

    def add(self, *events: type[Event]) -> None:
        """Lists events that this plugin emits."""
        for event in events:
            name = f"{self.plugin}.{event.__name__}"
            if name in self.events:
                raise SetupError(f"The plugin {self.plugin} registers {name} twice; remove one.")
            self.events[name] = event

    def every(self, function: H, *, wants: Wants | None = None) -> H:
        """Lists a handler of all events there are, whoever emits them.

        It is given a context of this plugin and a `sdk.Happening`, or a sequence of them.

        Args:
            function: The handler.
            wants: Says of which events it is told, by their names such as
                `core.CustomersMoved`. It is given a context that reads what is committed, and
                asked whenever there are events, once for as many as have come: an event that was
                committed later than what it reads is never missed. Of other events nothing is
                stored for the handler.

        Raises:
            SetupError: The plugin has another handler of this name.
        """
        self._check_name(function)
        self.overhearing.append(Subscription("*", function, wants))
        return function

    def on(self, *events: str) -> Callable[[H], H]:
        """Lists the decorated function as a handler of events, such as `core.CustomersMoved`.

        It is given a context of this plugin and an event, at least once, in a unit of its
        own; or all that have come, if it takes `Sequence[sdk.CustomersMoved]`: those of a
        record in their order, and if it raises, fewer and fewer, until only the culprit is
        left. Its name stays what it is, because deliveries are stored under it.
        """

        def decorate(function: H) -> H:
            self._check_name(function, overhears=False)
            for each in events:
                self._listen(each, function)
            return function

        return decorate

    def _listen(self, event: str, function: Handle) -> None:
        if any(each.event == event and each.function is function for each in self.subscriptions):
            raise SetupError(
                f"The plugin {self.plugin} lists {function.__name__} for {event} twice; remove one."
            )
        self.subscriptions.append(Subscription(event, function))

    def _check_name(self, function: Handle, *, overhears: bool = True) -> None:
        """Refuses a second handler of one name, under which its deliveries are stored.

        One function may be listed again for other events, unless it is told of all already.
        """
        name = function.__name__
        for each in (*self.subscriptions, *self.overhearing):
            is_again = each.function is function and not overhears and each.event != "*"
            if each.name == name and not is_again:
                raise SetupError(
                    f"The plugin {self.plugin} has two event handlers named {name}; rename one."
                )


@dataclass(frozen=True)
class ImportOptions:
    """What the operator says about a file."""

    source: str
    currency: str


@dataclass(frozen=True)
class ImportedRow(Generic[R]):
    """A row of a file whose form is right.

    `nth` counts the rows of the whole file that say the same, from 1 on, so that two
    equal rows are two things, and the same two when the file is read again.
    """

    line: int
    nth: int
    value: R


@dataclass(frozen=True)
class ImportResult:
    """What became of some rows; each rejected one is its line and the reason."""

    created: int = 0
    unchanged: int = 0
    rejected: tuple[tuple[int, str], ...] = ()


TakeIn = Callable[[Any, Sequence[ImportedRow[R]], ImportOptions], Awaitable[ImportResult]]


@dataclass(frozen=True)
class Import:
    """A kind of file: what a row of it is, and the function that takes rows in."""

    name: str
    plugin: str
    row: type[BaseModel]
    function: TakeIn[Any]


class ImportBuilder:
    """Collects the kinds of file that a plugin reads."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.imports: dict[str, Import] = {}

    def add(self, name: str, row: type[R], function: TakeIn[R]) -> None:
        """Names a kind of file.

        Args:
            name: What `crmkit import` calls it.
            row: A pydantic model, made of the cells of a line by the names of its columns.
            function: Takes in at most 1,000 rows, in a unit of its own; what it raises
                rejects its rows, of which each is then tried alone.
        """
        if name in self.imports:
            raise SetupError(
                f"The plugin {self.plugin} registers the import {name} twice; remove one."
            )
        self.imports[name] = Import(name, self.plugin, row, function)

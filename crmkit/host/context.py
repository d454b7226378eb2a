"""What a request carries, bound to the plugin that is being called."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias

import structlog
from sqlalchemy import TableClause, TextClause, and_
from typing_extensions import TypeVar, TypeVarTuple

from crmkit.host.actors import SYSTEM, Actor, Grant
from crmkit.host.drafts import Refusal
from crmkit.host.unscoped import Unscoped, audit
from crmkit.store.agenda import Due, put
from crmkit.store.inbox import is_first
from crmkit.store.jobs import Job
from crmkit.store.reach import EVERYTHING, Reach
from crmkit.store.ready import elements_of
from crmkit.store.timetable import ask
from crmkit.values.errors import ErrorCode, Failure, Forbidden, Path, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from types import ModuleType

    from sqlalchemy.sql.selectable import TypedReturnsRows

    from crmkit.host.drafts import Draft
    from crmkit.host.events import Event
    from crmkit.host.host import Host
    from crmkit.host.http import Http
    from crmkit.settings import Organisation
    from crmkit.store.ready import Ready
    from crmkit.store.unit_of_work import UnitOfWork
    from crmkit.store.write import Write
    from crmkit.values.clock import Clock

T = TypeVar("T")
P = ParamSpec("P")
Row = TypeVarTuple("Row")
Config = TypeVar("Config", covariant=True, default=object)

Statement: TypeAlias = "TypedReturnsRows[*Row] | Ready[*Row]"


class Context(Generic[Config]):
    """The configuration, the actor, the clock and the data, as one plugin sees them."""

    __slots__ = (
        "_answers",
        "_asks",
        "_refusals",
        "_unit",
        "actor",
        "config",
        "host",
        "plugin",
        "request_id",
    )

    def __init__(
        self,
        host: Host,
        plugin: str,
        actor: Actor = SYSTEM,
        unit: UnitOfWork | None = None,
        request_id: str = "",
        refusals: list[Refusal] | None = None,
        *,
        answers: bool = False,
        asks: bool = False,
    ) -> None:
        self.host = host
        self.plugin = plugin
        self.request_id = request_id
        self.config: Config = host.loaded.config(plugin)
        self.actor = actor
        self._unit = unit
        # Whether what it reads is what a client is told.
        self._answers = answers
        # Whether it may ask other systems, which no rollback takes back.
        self._asks = asks
        self._refusals: list[Refusal] = [] if refusals is None else refusals

    @property
    def clock(self) -> Clock:
        return self.host.clock

    @property
    def organisation(self) -> Organisation:
        return self.host.settings.organisation

    @property
    def log(self) -> Any:
        """A structured log in which every line names plugin, actor and request."""
        return structlog.get_logger().bind(
            plugin=self.plugin, actor=self.actor.id, request=self.request_id
        )

    @property
    def refusals(self) -> Sequence[Refusal]:
        return self._refusals

    @property
    def in_unit(self) -> bool:
        return self._unit is not None

    @property
    def unit(self) -> UnitOfWork:
        """The unit of work that this context is in."""
        if self._unit is None:
            raise RuntimeError(
                f"The plugin {self.plugin} writes outside a unit of work; "
                "do it in a mutation, a hook or an event handler."
            )
        return self._unit

    @property
    def write(self) -> Write:
        return self.unit.write

    @property
    def http(self) -> Http:
        """The client with which jobs, handlers and functions that answer ask other systems.

        Ask before anything is read or written in the unit, or nobody else writes meanwhile.

        Raises:
            RuntimeError: This is a mutation or a hook, which have no effect outside the
                database; or the unit holds a transaction already.
        """
        if not self._asks:
            raise RuntimeError(
                f"The plugin {self.plugin} asks another system in a mutation or a hook, which has no "
                "effect outside the database; enqueue a job that does."
            )
        if self._unit is not None and self._unit.holds_transaction:
            raise RuntimeError(
                f"The plugin {self.plugin} asks another system while it holds a transaction; read "
                "with context.outside() and ask before it writes."
            )
        return self.host.http

    async def read(self, statement: Statement[*Row]) -> list[tuple[*Row]]:
        """Reads what the actor reaches: for queries, batch functions and exports."""
        return await self.fetch(statement, self.actor.reach)

    async def rules(self, statement: Statement[*Row]) -> list[tuple[*Row]]:
        """Reads all rows, to decide; what it returns is never handed to a client.

        Raises:
            Forbidden: It is called to answer a client; or the statement is SQL as text, or reads
                a table of a plugin that does not show it in its api.py.
        """
        if self._answers:
            raise Forbidden(
                f"The plugin {self.plugin} answers a client with context.rules, which knows no scope; "
                "read with context.read."
            )
        self._check_tables(statement)
        return await self.fetch(statement, EVERYTHING)

    async def unscoped(self, reason: str) -> Unscoped:
        """Opens the way to everything, also with SQL as text, and audits it with the reason."""
        await audit(self, reason)
        return Unscoped(self)

    def outside(self) -> Context[Config]:
        """The same plugin outside the unit: it reads what is committed, and holds nothing.

        A handler that asks another system reads with it, so that nobody waits meanwhile.
        """
        return Context(
            self.host,
            self.plugin,
            self.actor,
            request_id=self.request_id,
            answers=self._answers,
            asks=self._asks,
        )

    def sign(self, text: str, *, purpose: str, until: datetime) -> str:
        """A token of this text for a link: nobody else can make one, and it ends."""
        return self.host.signer.sign(text, purpose=f"{self.plugin}.{purpose}", until=until)

    def verify(self, token: str, *, purpose: str, field: str = "token") -> str:
        """The text of a token that this plugin has signed for this purpose.

        Raises:
            Invalid: It has not, or the token has been altered.
            Refused: The time of the token is over.
        """
        return self.host.signer.verify(
            token, purpose=f"{self.plugin}.{purpose}", now=self.clock.now(), field=field
        )

    @property
    def events(self) -> Mapping[str, type[Event]]:
        """All events there are, by their names such as `core.CustomersMoved`."""
        return self.host.loaded.events

    def secret(self, name: str) -> bytes:
        """32 bytes that nobody else can find out, the same for a name each time.

        They follow from the settings' secret and are stored nowhere; whoever changes that
        changes them.
        """
        return self.host.signer.digest(f"{self.plugin}.secret", name.encode())

    def limited(self, *grants: Grant) -> Context[Config]:
        """The same plugin outside the unit, which may and reaches what these grants give.

        What it reads may be told whoever has them.
        """
        rights = self.host.rights.rights(grants)
        nobody = {"user": None, "team": None}
        actor = Actor(self.actor.id, self.actor.kind, rights=rights, values=nobody)
        return Context(self.host, self.plugin, actor, None, self.request_id, answers=True)

    def emit(self, event: Event) -> None:
        """Tells handlers of an event, once the unit has been committed."""
        name, unit = self.host.loaded.event_name(type(event)), self.unit
        unit.emit(name, type(event).version, event.record, event.payload(), plugin=self.plugin)
        unit.after_commit.append(self.host.notices.of_events)

    def enqueue(
        self,
        job: Callable[..., Awaitable[Any]],
        payload: Any = None,
        *,
        due: datetime | None = None,
        key: str | None = None,
    ) -> None:
        """Asks for a job, if and when the unit has been committed.

        Args:
            job: A function that a plugin registers in `register_jobs`.
            payload: What it is handed.
            due: When it is to be done; as soon as somebody can, unless said.
            key: Of one name and key one job waits: asked for again it takes the new payload
                and time, and if it is being done just now, it is done once more after that.
        """
        found = self.host.loaded.job(job)
        row = Job(
            name=found.name,
            payload=found.stored(payload),
            key=key,
            at=due or self.clock.now(),
            due=due or self.clock.now(),
            request_id=self.request_id,
        )
        ask(self.write, [row])
        self.unit.after_commit.append(self.host.notices.of_jobs)

    def due(self, at: datetime, event: Event, *, key: str | None = None) -> None:
        """Tells of an event when its time has come, late rather than never.

        Of one kind and key one event waits: said again it is put off, or brought forward.

        Args:
            at: When it becomes true.
            event: What is told then, as if it had been emitted at that moment.
            key: What it is about; the event's record, unless said.
        """
        row = Due(
            name=self.host.loaded.event_name(type(event)),
            key=event.record if key is None else key,
            at=at,
            plugin=self.plugin,
            version=type(event).version,
            record=event.record,
            payload=event.payload(),
            request_id=self.request_id,
        )
        put(self.write, row)
        self.unit.after_commit.append(self.host.notices.of_events)

    def not_due(self, event: type[Event], keys: Collection[str]) -> None:
        """Has events of a kind not come that were said to be due under these keys."""
        if not keys:
            return
        name = self.host.loaded.event_name(event)
        gone = and_(Due.name == name, Due.key.in_(sorted(keys)))
        self.write.delete(Due, where=gone)

    async def once(self, key: str) -> bool:
        """Says whether this is the first unit of the plugin that has an effect for this key.

        A handler's unit settles its delivery and a job's its job, so a crash repeats nothing.
        What comes again by itself, such as an event that somebody replays or a message that a
        system outside sends twice, is told by its key: `if not await context.once(key): return`.
        Keys are remembered twice as long as events are kept.
        """
        return await is_first(self.unit, self.plugin, key)

    def progress(self, done: int, total: int | None = None) -> None:
        """Says how much of the running job is done, for whoever looks at it."""
        if self.unit.job is None:
            raise RuntimeError(f"The plugin {self.plugin} tells of progress, and this is no job.")
        self.unit.job.done, self.unit.job.total = done, total

    def refuse(
        self,
        draft: Draft[Any, Any],
        message: str,
        *,
        reason: str,
        field: str | Path | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Refuses one record; the others of the unit are looked at all the same."""
        path = (field,) if isinstance(field, str) else field or ()
        problem = Problem(path, ErrorCode.REFUSED, message, params or {})
        self._refusals.append(Refusal(draft, problem, reason, self.plugin))

    def reject(self, draft: Draft[Any, Any], failure: Failure) -> None:
        """Says what is wrong with one record; the others are looked at all the same."""
        problems = failure.problems or (Problem((), failure.code, failure.message),)
        self._refusals += [Refusal(draft, each, failure.reason, self.plugin) for each in problems]

    async def call(
        self,
        spec: Callable[Concatenate[Context[Any], P], Awaitable[None]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Calls every plugin's implementation of a hook, in the order of loading."""
        hooks = self.host.hooks
        if hooks.are_implemented(spec.__name__):
            named = dict(zip(_parameters(spec), args, strict=False))
            await hooks.call(self, spec.__name__, {**named, **kwargs})

    def bound(self, plugin: str) -> Context[Any]:
        """The same request and unit, as another plugin sees them."""
        if plugin == self.plugin and not self._asks:
            return self
        return Context(self.host, plugin, self.actor, self._unit, self.request_id, self._refusals)

    def neighbour(self, plugin: str) -> ModuleType | None:
        """The api of a plugin that this one works with, or nothing where it is absent."""
        return self.host.loaded.neighbour(plugin, self.plugin)

    def nested(self, plugin: str) -> Context[Any]:
        """The same, for a mutation called from code: its refusals are its own."""
        return Context(self.host, plugin, self.actor, self._unit, self.request_id)

    async def fetch(self, statement: Any, reach: Reach) -> list[Any]:
        """Reads in the unit, if this context is in one."""
        if self._unit is None:
            return list(await self.host.database.fetch(statement, reach))
        return list(await self._unit.read(statement, reach))

    def _check_tables(self, statement: Any) -> None:
        for element in elements_of(statement):
            if isinstance(element, TextClause):
                raise Forbidden(
                    f"The plugin {self.plugin} reads with SQL as text; build the statement "
                    "with SQLAlchemy."
                )
            if isinstance(element, TableClause) and not self.host.loaded.shows(
                element, self.plugin
            ):
                raise Forbidden(
                    f"The plugin {self.plugin} may not read {element.name}; it reads its own "
                    "tables, the core's, and those in the api.py of plugins that it names."
                )


@cache
def _parameters(spec: Callable[..., Any]) -> tuple[str, ...]:
    """The names of what a hook hands over besides the context."""
    return tuple(inspect.signature(spec).parameters)[1:]

"""One app: its settings, its database, its plugins, and every unit of work it opens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from sqlalchemy import Insert, Table, exists, func, insert, literal, select

from crmkit.host.actors import SYSTEM, Actor, Book
from crmkit.host.context import Context
from crmkit.host.drafts import DraftsRefused
from crmkit.host.events import Happening
from crmkit.host.http import Http
from crmkit.host.recent import Recent
from crmkit.host.telling import events_of
from crmkit.store.audit import Auditor
from crmkit.store.database import Base, table_of, with_companions
from crmkit.store.leases import Patience
from crmkit.store.notices import Notice, Notices
from crmkit.store.queue import Run
from crmkit.store.queue import settle as settle_job
from crmkit.store.relay import Handler, Occurrence, Relay, settle
from crmkit.store.seals import Sealer
from crmkit.store.timetable import Timetable
from crmkit.store.unit_of_work import IdempotencyKey, Origin, UnitOfWork, run_unit
from crmkit.store.worker import JobKind, Worker
from crmkit.values import ids
from crmkit.values.cohort import Cohort
from crmkit.values.errors import Failure
from crmkit.values.signing import Signer
from crmkit.values.tokens import Tokens

if TYPE_CHECKING:
    from crmkit.host.builders import Wants
    from crmkit.host.checks import Verified
    from crmkit.host.loading import Loaded
    from crmkit.host.wheres import Wheres
    from crmkit.settings import Settings
    from crmkit.store.aliases import Aliases
    from crmkit.store.drivers import Database
    from crmkit.store.parts import Part
    from crmkit.values.clock import Clock
    from crmkit.values.schedules import Schedule

Body = Callable[[Context[Any]], Awaitable[Any]]

SOME = 10_000
"""As many records get what they lack in one statement."""


class Known(Protocol):
    """What the host asks of a schema, which makes each when it is asked for the first time."""

    @property
    def requirements(self) -> Book: ...

    @property
    def wheres(self) -> Wheres: ...


class Host:
    """What is shared by all requests of an app; several may live in one process."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, loaded: Loaded
    ) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.loaded = loaded
        self.hooks = loaded.hooks
        self.schema: Known
        """The app says it, which makes it."""
        secret = settings.secret.get_secret_value()
        self.signer = Signer(secret)
        self.tokens = Tokens(secret)
        self.auditor = Auditor(secret)
        self.http = Http(settings.http)
        self.sides: Mapping[Table, tuple[type[Base], ...]] = {}
        self.aliases: Mapping[str, Aliases] = {}
        # What rooms remember of rows that seldom change; their units check it: `unit.trust`.
        self.remembered: dict[type[Base], dict[str, Any]] = {}
        patience = Patience.of(settings.worker)
        self.relay = Relay(database, clock, self._handlers(), self._deliver, patience)
        self.worker = Worker(
            database,
            clock,
            self._job_kinds(),
            Timetable(database, clock, self._schedules()),
            self._do,
            patience,
            settings.worker.at_once,
        )
        self.sealer = Sealer(database, clock, self.auditor)
        self.recent = Recent(clock)
        self.cohort = Cohort()
        self.notices = Notices(database)
        self.notices.on(Notice.EVENTS, self.relay.wake)
        self.notices.on(Notice.EVENTS, self.sealer.wake)
        self.notices.on(Notice.JOBS, self.worker.wake)

    @property
    def rights(self) -> Book:
        """What grants come to."""
        return self.schema.requirements

    @property
    def wheres(self) -> Wheres:
        """What conditions mean."""
        return self.schema.wheres

    def context(
        self,
        plugin: str,
        actor: Actor = SYSTEM,
        unit: UnitOfWork | None = None,
        request_id: str = "",
        *,
        answers: bool = False,
        asks: bool = False,
    ) -> Context[Any]:
        """A context of this plugin; without a unit it can only read.

        Where it `answers` a client, it reads nothing that the actor does not reach. In a unit
        that `asks`, it may have effects outside the database; without one, it always may.
        """
        asks = asks or unit is None
        return Context(self, plugin, actor, unit, request_id, answers=answers, asks=asks)

    async def run_unit(
        self,
        plugin: str,
        body: Body,
        *,
        operation: str,
        actor: Actor = SYSTEM,
        key: IdempotencyKey | None = None,
        request_id: str | None = None,
        record: Callable[[Any], str | None] = lambda _: None,
        premise: Part | None = None,
        asks: bool = False,
    ) -> Any:
        """Runs `body` in a unit of work of its own, bound to a plugin.

        What `record` makes of the result is what the audit says it was about.

        Raises:
            DraftsRefused: Rules refused some of its drafts; nothing was written.
            Unfounded: The premise does not hold; nothing was written.
        """

        async def run(unit: UnitOfWork) -> Any:
            context = self.context(plugin, actor, unit, origin.request_id, asks=asks)
            result = await _attributed(body(context), plugin)
            if context.refusals:
                raise DraftsRefused(context.refusals)
            return result

        request_id = request_id or ids.new_id("request")
        origin = Origin(actor.id, operation, request_id, actor.key)
        return await run_unit(
            self.database,
            self.clock,
            origin,
            run,
            key=key,
            sides=self.sides,
            record=record,
            premise=premise,
            auditor=self.auditor,
        )

    async def ping(self) -> None:
        """Asks the database for a sign of life.

        Raises:
            Unavailable: It does not answer.
        """
        await self.database.fetch(select(literal(1)))

    async def prepare(self, *presets: Body) -> None:
        """Adds what a migrated database lacks: rows of side tables, then the core's presets."""
        for parent, models in self.sides.items():
            for model in models:
                await self._complete(parent, model)
        for preset in presets:
            await self.run_unit("core", preset, operation="prepare")

    async def verify(self) -> AsyncIterator[tuple[str, Verified]]:
        """Has each plugin count again what it keeps, and names whose it is."""
        for each in self.loaded.plugins:
            context = self.context(each.name)
            found = await _attributed(each.manifest.verify(context), each.name)
            if found is not None:
                yield each.name, found

    async def start(self, *, works: bool | None = None) -> None:
        """Starts the plugins in the order of loading, then what works behind the answers.

        Args:
            works: Whether events are delivered and jobs done here; as the settings say unless
                said. In safe mode they are not.
        """
        for each in self.loaded.plugins:
            await _attributed(each.manifest.startup(self), each.name)
        if self.settings.safe_mode:
            # Nobody would be told of events now, and those to whom they matter never later.
            structlog.get_logger().warning("safe mode: no plugin runs, events and jobs wait")
        elif self.settings.worker.inside if works is None else works:
            await self.relay.start()
            await self.worker.start()
        await self.sealer.start()
        await self.notices.start()

    async def drain(self, *, due: bool = True) -> None:
        """Delivers events and does jobs until none is left; `due` as the relay means it."""
        while await self.relay.drain(due=due) or await self.worker.drain():
            pass

    async def stop(self, grace: float = 0) -> None:
        """Stops what works, giving jobs some seconds, then the plugins, the last one first."""
        await self.worker.stop(grace)
        await self.sealer.stop()
        await self.relay.stop()
        await self.notices.stop()
        for each in reversed(self.loaded.plugins):
            await _attributed(each.manifest.shutdown(self), each.name)

    async def _complete(self, parent: Table, model: type[Base]) -> None:
        """Adds the default side row of every record that has none yet, some at a time.

        Each side row has a record, so where there are as many none is missing; to see that is
        all that a start costs, whose million records would take a statement too long.
        """
        counts = [_count(each) for each in (parent, table_of(model))]
        [(wanted, there)] = await self.database.fetch(select(*counts))
        after: str | None = "" if there < wanted else None
        while after is not None:
            some = select(parent.c.id).where(parent.c.id > after)
            last = some.order_by(parent.c.id).limit(SOME).subquery()
            [(until,)] = await self.database.fetch(select(func.max(last.c.id)))
            if until is not None:
                async with self.database.transaction() as transaction:
                    await transaction.run(_missing_rows(parent, model, after, until))
            after = until

    def _handlers(self) -> Mapping[str, list[Handler]]:
        found: dict[str, list[Handler]] = {}
        for plugin in self.loaded.plugins:
            for each in plugin.events.overhearing:
                handler = Handler(
                    f"{plugin.name}.{each.name}",
                    each.function,
                    plugin.name,
                    each.is_plural,
                    overhears=True,
                    wants=each.wants and partial(self._wanted, each.wants, plugin.name),
                )
                for event in self.loaded.events:
                    found.setdefault(event, []).append(handler)
            for each in plugin.events.subscriptions:
                name = f"{plugin.name}.{each.name}"
                handler = Handler(name, each.function, plugin.name, each.is_plural)
                found.setdefault(each.event, []).append(handler)
        return found

    async def _wanted(self, wants: Wants, plugin: str) -> Collection[str]:
        return await _attributed(wants(self.context(plugin)), plugin)  # type: ignore[no-any-return]

    def _job_kinds(self) -> Mapping[str, JobKind]:
        return {
            name: JobKind(name, each.function, each.plugin, each.retries + 1, each.timeout)
            for name, each in self.loaded.jobs.items()
        }

    def _schedules(self) -> Mapping[str, Schedule]:
        return {
            name: each for one in self.loaded.plugins for name, each in one.jobs.schedules.items()
        }

    async def _do(self, kind: JobKind, run: Run) -> None:
        found = self.loaded.jobs[kind.name]

        async def body(context: Context[Any]) -> None:
            settle_job(run, context.unit)
            run.next = found.stored(await found.function(context, *found.arguments(run.payload)))

        await self.run_unit(
            kind.plugin,
            body,
            operation=kind.name,
            actor=Actor(kind.plugin, "plugin"),
            request_id=run.request_id,
            asks=True,
        )

    async def _deliver(self, handler: Handler, occurrences: Sequence[Occurrence]) -> None:
        events: Sequence[Any] = await events_of(self, occurrences)
        if handler.overhears:
            events = [
                Happening(told.name, told.number, told.at, event, told.request_id)
                for told, event in zip(occurrences, events, strict=True)
            ]

        async def body(context: Context[Any]) -> None:
            settle(occurrences, context.unit)
            await handler.function(context, events if handler.is_plural else events[0])

        # What follows from several requests is none of them.
        requests = {each.request_id for each in occurrences}
        await self.run_unit(
            handler.plugin,
            body,
            operation=handler.name,
            actor=Actor(handler.plugin, "plugin"),
            request_id=requests.pop() if len(requests) == 1 else None,
            asks=True,
        )


async def _attributed(work: Awaitable[Any], plugin: str) -> Any:
    """Awaits what a plugin does, and names it when that fails."""
    try:
        return await work
    except Failure as failure:
        failure.plugin = failure.plugin or plugin
        raise
    except Exception as error:
        error.add_note(f"plugin {plugin}")
        raise


def _count(table: Table) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()


def _missing_rows(parent: Table, model: type[Base], after: str, until: str) -> Insert:
    """The default side row of every record between two ids that has none yet."""
    table = table_of(model)
    key = next(iter(table.primary_key.columns))
    there = parent.c.id
    fresh = model(**{key.name: ""})
    given = {each.name: getattr(fresh, each.name) for each in table.columns if each is not key}
    with_companions(table, given)
    values = [literal(value, table.c[name].type) for name, value in given.items()]
    lacking = (
        select(there, *values)
        .where(there > after, there <= until)
        .where(~exists().where(key == there))
    )
    return insert(table).from_select([key.name, *given], lacking)

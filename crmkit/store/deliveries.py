"""Deliveries of events: made for each handler, begun in turn, settled with their effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import (
    Select,
    bindparam,
    literal,
    not_,
    or_,
    select,
    union_all,
    update,
)

from crmkit.store.arrays import Sql, bound, in_columns
from crmkit.store.database import table_of
from crmkit.store.groups import finished
from crmkit.store.leases import TRIES, LeaseLost, Patience
from crmkit.store.outbox import Delivery, DeliveryState, Outbox
from crmkit.store.parts import Kind, Part
from crmkit.store.ready import number, statement
from crmkit.store.write import Write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Dialect, FromClause

    from crmkit.store.drivers import Database, Transaction
    from crmkit.store.unit_of_work import UnitOfWork
    from crmkit.values.clock import Clock

AT_ONCE = 8  # units of one relay
HELD = 200  # deliveries that one relay has begun and not ended
FANNED_OUT = 200  # events that get their deliveries together

event = table_of(Outbox)
delivery = table_of(Delivery)


@dataclass(frozen=True)
class Handler:
    """A plugin's function that is told of events, of one or, if it is plural, of many."""

    name: str
    function: Callable[..., Awaitable[None]]
    plugin: str
    is_plural: bool = False
    overhears: bool = False
    wants: Callable[[], Awaitable[Collection[str]]] | None = None
    """Says of which events it is told; of all for which it is listed, unless there is one."""


@dataclass(frozen=True)
class Occurrence:
    """An event as one handler gets it, for the n-th time."""

    delivery: int
    handler: str
    tries: int
    name: str
    version: int
    record: str
    payload: Mapping[str, Any]
    plugin: str
    request_id: str
    at: datetime
    number: int


def settle(occurrences: Sequence[Occurrence], unit: UnitOfWork) -> None:
    """Has this unit of work, and no other, be the effect of these deliveries."""
    lost = LeaseLost(f"A delivery to {occurrences[0].handler} is another relay's.")
    for tries, seqs in _by_tries(occurrences):
        unit.along(_done(tries, seqs, unit.dialect), lost)


def _done(tries: int, seqs: Sequence[int], dialect: Dialect) -> Part:
    """Ends these deliveries, unless somebody else has begun them meanwhile."""
    columns = [("k0", delivery.c.seq.type)]
    state = delivery.c.state.type

    def write(sql: Sql) -> str:
        done, source = sql.place(state), sql.rows(columns)
        mine = f"t.seq = d.k0 AND t.tries = {sql.place(delivery.c.tries.type)}"
        pending = (
            "t.state = 'pending'"  # As text, because an index for a value serves no parameter.
        )
        return (
            f"UPDATE {sql.name(delivery)} AS t SET state = {done}, leased_until = NULL, "  # noqa: S608  names
            f"problem = NULL FROM {source} WHERE {mine} AND {pending} RETURNING seq"
        )

    values = [
        *bound([DeliveryState.DONE], state, dialect),
        *in_columns(columns, [[each] for each in seqs], dialect),
        tries,
    ]
    return Part(Kind("deliveries done", write, delivery.name), [values], len(seqs))


class Deliveries:
    """The deliveries to these handlers, which other relays may be at work on as well."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Sequence[Handler]],
        patience: Patience,
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._patience = patience
        self._names = {each.name for some in handlers.values() for each in some}

    async def make(self) -> int:
        """Makes a delivery to each handler of each new event, and says of how many.

        New is a state, not a number: on PostgreSQL a lower number may be committed later.
        """
        new = await self._database.fetch(_new(FANNED_OUT))
        if not new:
            return 0
        # What handlers want is asked after these events were committed: who began to listen
        # before that is seen to listen.
        told = await self._told({name for _, name, _ in new})
        write = Write(self._clock.now(), {})
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch(_still_new([seq for seq, *_ in new]))
            due = self._clock.now()
            for seq, name, record in rows:
                made = [Delivery(event=seq, handler=e, record=record, due=due) for e in told[name]]
                write.add(*made)
            for seq, *_ in rows:
                write.change(Outbox, (seq,), set={Outbox.fanned_out: True})
            await finished(transaction, write.taken())
        return len(rows)

    async def _told(self, events: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Which handlers are told of each of these events."""
        told: dict[str, list[str]] = {each: [] for each in events}
        wanted: dict[str, Collection[str]] = {}
        for event_name, names in told.items():
            for each in self._handlers.get(event_name, ()):
                if each.wants is not None and each.name not in wanted:
                    wanted[each.name] = await _wanted(each, events)
                if event_name in wanted.get(each.name, (event_name,)):
                    names.append(each.name)
        return told

    async def begin(self, most: int, *, but: Collection[str]) -> list[Occurrence]:
        """Begins deliveries that are due, the oldest first, except those to some handlers.

        Those of one record are begun together or one after the other, never out of turn.
        """
        names, now = sorted(self._names.difference(but)), self._clock.now()
        if not names or not await self._database.fetch(_due(now, 1, *names)):
            return []
        taken = _taken(now, now + self._patience.lease, most, *names)
        async with self._database.transaction() as transaction:
            begun = await transaction.fetch(taken)
            found = await _occurrences(transaction, [seq for (seq,) in begun])
            # What may end its process again takes no more along than can be at work with it.
            again = [each for each in found if each.tries > 1][AT_ONCE:]
            await _release(transaction, again)
        return [each for each in found if each not in again]

    async def release(self, occurrences: Collection[Occurrence]) -> None:
        """Gives back what was begun and not tried, as if it had not been begun."""
        if occurrences:
            async with self._database.transaction() as transaction:
                await _release(transaction, occurrences)

    async def renew(self, occurrences: Collection[Occurrence]) -> None:
        """Keeps other relays from what is still at work here."""
        await self._change(occurrences, leased_until=self._clock.now() + self._patience.lease)

    async def fail(self, occurrence: Occurrence, problem: str) -> None:
        """Has it tried again later, or, after the last try, lets the next of its record pass."""
        is_dead = occurrence.tries >= TRIES
        await self._change(
            [occurrence],
            state=DeliveryState.DEAD if is_dead else DeliveryState.PENDING,
            due=self._clock.now() + self._patience.after(occurrence.tries),
            leased_until=None,
            problem=problem,
        )

    async def _change(self, occurrences: Collection[Occurrence], **values: Any) -> None:
        if occurrences:
            async with self._database.transaction() as transaction:
                for each in _by_tries(occurrences):
                    await transaction.run(_held(*each).values(values))


async def _wanted(handler: Handler, events: Collection[str]) -> Collection[str]:
    """Which events a handler wants to be told of; all, where it fails to say."""
    assert handler.wants is not None  # noqa: S101  the caller has looked
    try:
        return await handler.wants()
    except Exception:  # noqa: BLE001
        # A handler that does not know holds nobody up, and misses nothing.
        structlog.get_logger().exception("wants", handler=handler.name)
        return events


# -- its statements, built once: a relay asks them again and again ----------------------------


@statement
def _new(limit: int) -> Select[int, str, str]:
    return _unmade().limit(number(limit))


@statement
def _still_new(seqs: Sequence[int]) -> Select[int, str, str]:
    """Those of them that no other relay makes or has made, held."""
    return _unmade().where(event.c.seq.in_(seqs)).with_for_update(skip_locked=True)


def _unmade() -> Select[int, str, str]:
    columns = (event.c.seq, event.c.name, event.c.record)
    return select(*columns).where(not_(event.c.fanned_out)).order_by(event.c.seq)


@statement
def _taken(now: datetime, until: datetime, limit: int, *handlers: str) -> Any:
    """Leases what is due to these handlers, and says what it has taken."""
    # A CTE that locks is run once, whatever the plan; a subquery may be run again.
    due = _those_due(now, limit, handlers).with_for_update(skip_locked=True).cte()
    taken = select(due.c.seq)
    # Whoever stands before may have been skipped because another relay is taking it.
    before = delivery.alias()
    left = _is_any(*_before(before, delivery), before.c.seq.not_in(taken))
    mine = update(delivery).where(delivery.c.seq.in_(taken), ~left)
    lease = {"leased_until": until, "tries": delivery.c.tries + 1}
    return mine.values(lease).returning(delivery.c.seq)


@statement
def _due(now: datetime, limit: int, *handlers: str) -> Select[int]:
    """Deliveries to these handlers whose time has come, and that nothing holds up."""
    return _those_due(now, limit, handlers)


def _those_due(now: datetime, limit: int, handlers: Sequence[str]) -> Select[int]:
    # Each handler's first ones are read off its own index: the backlog of one is not looked
    # through for the others. Whoever locks looks again whether they are still free.
    each = [_due_to(handler, now, limit).subquery().select() for handler in handlers]
    # PostgreSQL's statistics are of times when nothing waits. Of a backlog it therefore thinks
    # that it is one row, and would look for all this once for each delivery that waits.
    some = union_all(*each).cte().prefix_with("MATERIALIZED")
    wanted = delivery.c.seq.in_(select(some.c.seq))
    due = select(delivery.c.seq).where(wanted, *_is_free(delivery, now))
    return due.order_by(delivery.c.event, delivery.c.seq).limit(number(limit))


def _due_to(handler: str, now: datetime, limit: int) -> Select[int]:
    """What is due to a handler, and not held up within its record.

    A first try is held up by what is not due, at work elsewhere, or tried again, which
    is done alone; what is tried again is held up by whatever stands before it.
    """
    this, before = delivery.alias(), delivery.alias()
    stuck = or_(
        before.c.due > now, before.c.leased_until > now, before.c.tries > 0, this.c.tries > 0
    )
    held_up = _is_any(*_before(before, this), stuck)
    due = select(this.c.seq).where(this.c.handler == handler, *_is_free(this, now), ~held_up)
    return due.order_by(this.c.event).limit(number(limit))


def _is_any(*conditions: Any) -> Any:
    """Whether there is such a delivery, looked up by its index for each row that asks.

    PostgreSQL makes a join of it where it may, for which it would read the whole backlog; what
    has an offset stays as it is.
    """
    return select(literal(1)).where(*conditions).offset(0).exists()


def _is_free(table: FromClause, now: datetime) -> tuple[Any, ...]:
    until = table.c.leased_until
    return _pending(table), table.c.due <= now, or_(until.is_(None), until <= now)


def _pending(table: FromClause) -> Any:
    """Whether it waits, as text, because an index for a value serves no parameter."""
    state = table.c.state
    return state == bindparam(None, DeliveryState.PENDING, state.type, literal_execute=True)


def _before(other: FromClause, this: FromClause) -> tuple[Any, ...]:
    """What makes another delivery one that has to be settled before."""
    return (
        _pending(other),
        other.c.handler == this.c.handler,
        other.c.record == this.c.record,
        other.c.event < this.c.event,
    )


def _by_tries(occurrences: Iterable[Occurrence]) -> Iterable[tuple[int, list[int]]]:
    found: dict[int, list[int]] = defaultdict(list)
    for each in occurrences:
        found[each.tries].append(each.delivery)
    return found.items()


def _held(tries: int, seqs: Sequence[int]) -> Any:
    """An update of these deliveries, if nobody else has begun them meanwhile."""
    mine = (delivery.c.seq.in_(seqs), delivery.c.tries == tries)
    return update(delivery).where(_pending(delivery), *mine)


async def _release(transaction: Transaction, occurrences: Collection[Occurrence]) -> None:
    given = {"leased_until": None, "tries": delivery.c.tries - 1}
    for each in _by_tries(occurrences):
        await transaction.run(_held(*each).values(given))


async def _occurrences(transaction: Transaction, seqs: Sequence[int]) -> list[Occurrence]:
    """What was begun, in the order in which it happened."""
    return [Occurrence(*row) for row in await transaction.fetch(_said(seqs))]


@statement
def _said(seqs: Sequence[int]) -> Any:
    columns = (delivery.c.seq, delivery.c.handler, delivery.c.tries)
    said = [event.c[each] for each in ("name", "version", "record", "payload", "plugin")]
    return (
        select(*columns, *said, event.c.request_id, event.c.at, event.c.seq)
        .join_from(delivery, event, delivery.c.event == event.c.seq)
        .where(delivery.c.seq.in_(seqs))
        .order_by(event.c.seq, delivery.c.seq)
    )

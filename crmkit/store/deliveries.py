"""Deliveries of events: made for each handler, begun in turn, settled with their effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, not_, or_, select, union_all, update

from crmkit.store.database import table_of
from crmkit.store.leases import TRIES, LeaseLost, Patience
from crmkit.store.outbox import Delivery, DeliveryState, Outbox
from crmkit.store.write import Write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import FromClause

    from crmkit.store.drivers import Database, Transaction
    from crmkit.store.unit_of_work import UnitOfWork
    from crmkit.values.clock import Clock

AT_ONCE = 8  # units of one relay
HELD = 200  # deliveries that one relay has begun and not ended
_EVENTS = 200  # that are fanned out together

event = table_of(Outbox)
delivery = table_of(Delivery)


@dataclass(frozen=True)
class Handler:
    """A plugin's function that is told of events, of one or, if it is plural, of many."""

    name: str
    function: Callable[..., Awaitable[None]]
    plugin: str
    is_plural: bool = False


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


def settle(occurrences: Sequence[Occurrence], unit: UnitOfWork) -> None:
    """Has this unit of work, and no other, be the effect of these deliveries."""
    unit.before_commit.append(partial(_settle, occurrences))


async def _settle(occurrences: Sequence[Occurrence], transaction: Transaction) -> None:
    done = {"state": DeliveryState.DONE, "leased_until": None, "problem": None}
    settled = [await transaction.run(each.values(done)) for each in _held(occurrences)]
    if sum(settled) < len(occurrences):
        raise LeaseLost(f"A delivery to {occurrences[0].handler} is another relay's.")


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

    async def make(self) -> bool:
        """Makes a delivery to each handler of each new event, and says if there were any.

        New is a state, not a number: on PostgreSQL a lower number may be committed later.
        """
        if not await self._database.fetch(_new(1)):
            return False
        write = Write(self._clock.now(), {})
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch(_new(_EVENTS).with_for_update(skip_locked=True))
            for seq, name, record in rows:
                for each in self._handlers.get(name, ()):
                    due = self._clock.now()
                    write.add(Delivery(event=seq, handler=each.name, record=record, due=due))
                write.change(Outbox, (seq,), set={Outbox.fanned_out: True})
            for group in write.taken():
                await group.run(transaction)
        return bool(rows)

    async def begin(self, most: int, *, but: Collection[str]) -> list[Occurrence]:
        """Begins deliveries that are due, the oldest first, except those to some handlers.

        Those of one record are begun together or one after the other, never out of turn.
        """
        names = sorted(self._names.difference(but))
        if not names or not await self._database.fetch(self._due(names, 1)):
            return []
        lease = {
            "leased_until": self._clock.now() + self._patience.lease,
            "tries": delivery.c.tries + 1,
        }
        # A CTE that locks is run once, whatever the plan; a subquery may be run again.
        due = self._due(names, most).with_for_update(skip_locked=True).cte()
        taken = select(due.c.seq)
        # Whoever stands before may have been skipped because another relay is taking it.
        left = exists().where(
            *_before(before := delivery.alias(), delivery), before.c.seq.not_in(taken)
        )
        mine = update(delivery).where(delivery.c.seq.in_(taken), ~left).values(lease)
        async with self._database.transaction() as transaction:
            begun = await transaction.fetch(mine.returning(delivery.c.seq))
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
                for each in _held(occurrences):
                    await transaction.run(each.values(values))

    def _due(self, names: Sequence[str], limit: int) -> Any:
        """Deliveries whose time has come, and that nothing of their record holds up.

        A first try is held up by what is not due, at work elsewhere, or tried again, which
        is done alone; what is tried again is held up by whatever stands before it.
        """
        # Each handler's first ones are read off its own index: the backlog of one is not looked
        # through for the others. Whoever locks looks again whether they are still free.
        first = union_all(*[self._due_to(each, limit).subquery().select() for each in names])
        wanted = delivery.c.seq.in_(select(first.subquery().c.seq))
        due = select(delivery.c.seq).where(wanted, *self._is_free(delivery))
        return due.order_by(delivery.c.event, delivery.c.seq).limit(limit)

    def _due_to(self, handler: str, limit: int) -> Any:
        now, this, before = self._clock.now(), delivery.alias(), delivery.alias()
        stuck = or_(
            before.c.due > now, before.c.leased_until > now, before.c.tries > 0, this.c.tries > 0
        )
        held_up = exists().where(*_before(before, this), stuck)
        due = select(this.c.seq).where(this.c.handler == handler, *self._is_free(this), ~held_up)
        return due.order_by(this.c.event).limit(limit)

    def _is_free(self, table: FromClause) -> tuple[Any, ...]:
        now, until = self._clock.now(), table.c.leased_until
        return _pending(table), table.c.due <= now, or_(until.is_(None), until <= now)


def _new(limit: int) -> Any:
    columns = (event.c.seq, event.c.name, event.c.record)
    return select(*columns).where(not_(event.c.fanned_out)).order_by(event.c.seq).limit(limit)


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


def _held(occurrences: Iterable[Occurrence]) -> Iterator[Any]:
    """Updates of these deliveries, if nobody else has begun them meanwhile."""
    by_tries: dict[int, list[int]] = defaultdict(list)
    for each in occurrences:
        by_tries[each.tries].append(each.delivery)
    for tries, seqs in by_tries.items():
        mine = (delivery.c.seq.in_(seqs), delivery.c.tries == tries)
        yield update(delivery).where(_pending(delivery), *mine)


async def _release(transaction: Transaction, occurrences: Collection[Occurrence]) -> None:
    for each in _held(occurrences):
        await transaction.run(each.values(leased_until=None, tries=delivery.c.tries - 1))


async def _occurrences(transaction: Transaction, seqs: Sequence[int]) -> list[Occurrence]:
    """What was begun, in the order in which it happened."""
    columns = (delivery.c.seq, delivery.c.handler, delivery.c.tries)
    said = [event.c[each] for each in ("name", "version", "record", "payload", "plugin")]
    joined = (
        select(*columns, *said, event.c.request_id, event.c.at)
        .join_from(delivery, event, delivery.c.event == event.c.seq)
        .where(delivery.c.seq.in_(seqs))
        .order_by(event.c.seq, delivery.c.seq)
    )
    return [Occurrence(*row) for row in await transaction.fetch(joined)]

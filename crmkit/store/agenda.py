"""What becomes true at a moment: an event that waits for its time, one for each key."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, Integer, Select, delete, select, tuple_
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, Json, UtcDateTime
from crmkit.store.database import Base, column, table_of, unscoped
from crmkit.store.groups import finished
from crmkit.store.outbox import Outbox
from crmkit.store.ready import number, statement
from crmkit.store.write import Write

if TYPE_CHECKING:
    from crmkit.store.drivers import Database
    from crmkit.values.clock import Clock

_TOGETHER = 200  # events whose time has come in one transaction


class Due(Base):
    """An event that is told of when its time has come."""

    __tablename__ = "due"
    __scope__ = unscoped("handlers act for the system")
    __table_args__ = (Index("ix_due_at", "at"),)

    name: Mapped[str] = column(Code, primary_key=True, personal=False, doc="What will happen.")
    key: Mapped[str] = column(
        Code, primary_key=True, personal=False, doc="To what; said again, it is put off."
    )
    at: Mapped[datetime] = column(UtcDateTime, doc="When.")
    plugin: Mapped[str] = column(Code, personal=False, doc="Who tells of it.")
    version: Mapped[int] = column(Integer, doc="Which form its payload has.")
    record: Mapped[str] = column(Code, personal=False, doc="To what; its events keep their order.")
    payload: Mapped[dict[str, Any]] = column(Json, personal=True, doc="Ids and changed fields.")
    request_id: Mapped[str] = column(Code, personal=False, doc="In which request it was said.")


_SAID = (Due.at, Due.plugin, Due.version, Due.record, Due.payload, Due.request_id)


def put(write: Write, row: Due) -> None:
    """Has it happen at its time; whatever was said under its key before does not count."""
    write.upsert(Due, [row], key=(Due.name, Due.key), set=_SAID)


class Agenda:
    """Tells of the events whose time has come, each once, however many look."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def come(self) -> bool:
        """Hands them over to the outbox, and says if there were any.

        Taken off here and put in there together: whoever says one again meanwhile waits, and
        then it is a new one.
        """
        now, due = self._clock.now(), table_of(Due)
        if not await self._database.fetch(_come(now, 1)):
            return False
        write = Write(now, {})
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch(_taken(now, _TOGETHER))
            taken = tuple_(due.c.name, due.c.key).in_([row[:2] for row in rows])
            await transaction.run(delete(due).where(taken))
            for name, _, at, plugin, version, record, payload, request in rows:
                write.add(
                    Outbox(
                        at=at,
                        plugin=plugin,
                        name=name,
                        version=version,
                        record=record,
                        payload=payload,
                        request_id=request,
                    )
                )
            await finished(transaction, write.taken())
        return bool(rows)


@statement
def _come(now: datetime, limit: int) -> Select[*tuple[Any, ...]]:
    """What was said to be due by now, the oldest first."""
    return _wanted(now, limit)


@statement
def _taken(now: datetime, limit: int) -> Select[*tuple[Any, ...]]:
    """The same, as far as nobody else is at it, held."""
    return _wanted(now, limit).with_for_update(skip_locked=True)


def _wanted(now: datetime, limit: int) -> Select[*tuple[Any, ...]]:
    due = table_of(Due)
    columns = [due.c[each] for each in ("name", "key", *[each.key for each in _SAID])]
    return select(*columns).where(due.c.at <= now).order_by(due.c.at).limit(number(limit))

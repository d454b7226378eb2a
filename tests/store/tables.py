"""Tables that only these tests know."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped
from sqlalchemy.schema import CreateIndex, CreateTable

from crmkit.store.agenda import Due
from crmkit.store.audit import Audit, AuditText
from crmkit.store.column_types import Code, Json
from crmkit.store.database import Base, Record, Versioned, column, root_scope, table_of, unscoped
from crmkit.store.idempotency import Idempotency
from crmkit.store.inbox import Inbox
from crmkit.store.jobs import Job, ScheduleRow
from crmkit.store.outbox import Delivery, Outbox
from crmkit.store.seals import AuditSeal

if TYPE_CHECKING:
    from crmkit.store.drivers import Database


class Person(Versioned):
    __tablename__ = "person"
    __scope__ = root_scope(deleted="deleted_at")

    name: Mapped[str] = column(Text, personal=True, filterable=True)
    visits: Mapped[int] = column(default=0)
    email: Mapped[str | None] = column(Code, personal=True, unique=True, default=None)
    deleted_at: Mapped[datetime | None] = column(default=None)


class Balance(Base):
    __tablename__ = "balance"

    person_id: Mapped[str] = column(ForeignKey("person.id"), primary_key=True)
    points: Mapped[int] = column(default=0, filterable=True)
    earned: Mapped[int] = column(default=0)


class Purchase(Record):
    __tablename__ = "purchase"

    person_id: Mapped[str] = column(ForeignKey("person.id"))
    amount: Mapped[int] = column()


class Everything(Record):
    """A column of every type that rows have."""

    __tablename__ = "everything"
    __scope__ = unscoped("tests")

    text: Mapped[str | None] = column(Text, personal=False, default=None)
    code: Mapped[str | None] = column(Code, personal=False, default=None)
    number: Mapped[int | None] = column(default=None)
    flag: Mapped[bool | None] = column(default=None)
    moment: Mapped[datetime | None] = column(default=None)
    day: Mapped[date | None] = column(default=None)
    free: Mapped[dict[str, Any] | None] = column(Json, default=None, personal=False)
    raw: Mapped[bytes | None] = column(LargeBinary, default=None)


_OWN = (Person, Balance, Purchase, Everything)
_STORE = (Audit, AuditText, AuditSeal, Idempotency, Job, ScheduleRow, Due, Inbox, Outbox, Delivery)
TABLES = [table_of(each) for each in (*_OWN, *_STORE)]


async def create_tables(database: Database) -> None:
    async with database.transaction() as transaction:
        for table in TABLES:
            for each in (CreateTable(table), *map(CreateIndex, table.indexes)):
                await transaction.execute(str(each.compile(dialect=database.dialect)), [])

"""What has had its effect already, whoever tells of it again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, UtcDateTime
from crmkit.store.database import Base, column, unscoped

if TYPE_CHECKING:
    from crmkit.store.unit_of_work import UnitOfWork


class Inbox(Base):
    """A key under which a plugin has done something once."""

    __tablename__ = "inbox"
    __scope__ = unscoped("handlers act for the system")

    plugin: Mapped[str] = column(Code, primary_key=True, personal=False, doc="Who has done it.")
    key: Mapped[str] = column(Code, primary_key=True, personal=False, doc="What tells it again.")
    at: Mapped[datetime] = column(UtcDateTime, doc="When.")


async def is_first(unit: UnitOfWork, plugin: str, key: str) -> bool:
    """Takes a key with what this unit does; says whether nobody has had it before.

    Of two at once the later one fails over the key, looks again, and finds it taken.
    """
    taken = select(Inbox.at).where(Inbox.plugin == plugin, Inbox.key == key)
    if await unit.read(taken):
        return False
    unit.write.add(Inbox(plugin=plugin, key=key, at=unit.at))
    return True

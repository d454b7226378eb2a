"""Tables: roles, and who has them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, Json
from crmkit.store.database import Record, Versioned, column


class Role(Versioned):
    """What some users may: permissions, how far they reach, and what stays hidden from them."""

    __tablename__ = "role"

    key: Mapped[str] = column(
        Code,
        personal=False,
        unique=True,
        filterable=True,
        doc="Names it in programs; never changes.",
    )
    name: Mapped[str] = column(
        Text, personal=False, filterable=True, doc="What colleagues call it."
    )
    preset: Mapped[str | None] = column(
        Code,
        personal=False,
        default=None,
        doc="The role of every app whose permissions it has besides its own; those of new plugins too.",
    )
    scope: Mapped[str] = column(
        Code,
        personal=False,
        filterable=True,
        doc="How far its permissions reach: `all`, `team`, `own`, or a scope of a plugin.",
    )
    permissions: Mapped[list[str]] = column(
        Json, personal=False, default_factory=list, doc="The permissions of its own."
    )
    hidden_fields: Mapped[list[str]] = column(
        Json, personal=False, default_factory=list, doc="Fields that it hides: `Customer.phones`."
    )


class UserRole(Record):
    """That a user has a role."""

    __tablename__ = "user_role"
    __table_args__ = (Index("uq_user_role", "user_id", "role_id", unique=True),)

    user_id: Mapped[str] = column(ForeignKey("app_user.id"), doc="Who has it.")
    role_id: Mapped[str] = column(ForeignKey("role.id"), doc="Which one.")

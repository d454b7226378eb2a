"""The table of API keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, Json, UtcDateTime
from crmkit.store.database import Versioned, column


class ApiKey(Versioned):
    """What a program says instead of a password; it is a user's or a service's."""

    __tablename__ = "api_key"

    name: Mapped[str] = column(
        Text, personal=True, filterable=True, doc="What it is for, in the words of its owner."
    )
    user_id: Mapped[str | None] = column(
        ForeignKey("app_user.id"), default=None, doc="The user for whom it speaks."
    )
    service: Mapped[str | None] = column(
        Code,
        personal=False,
        default=None,
        filterable=True,
        doc="The service for which it speaks, where it is nobody's.",
    )
    digest: Mapped[bytes] = column(LargeBinary, doc="What is kept of its secret.")
    permissions: Mapped[list[str] | None] = column(
        Json,
        nullable=True,
        personal=False,
        default=None,
        doc="All that it may of what its owner may; null is all of it.",
    )
    networks: Mapped[list[str]] = column(
        Json, personal=False, default_factory=list, doc="Where it may come from; empty is anywhere."
    )
    read_only: Mapped[bool] = column(Boolean, default=False, doc="Whether it changes nothing.")
    expires_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, filterable=True, doc="When it ends by itself."
    )
    last_used_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, doc="When it was last used, to a minute."
    )
    revoked_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, filterable=True, doc="When somebody ended it."
    )

"""Tables: how users sign in, and that they have."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code, UtcDateTime
from crmkit.store.database import Base, Record, column


class Password(Base):
    """What is kept of a user's password."""

    __tablename__ = "user_password"

    user_id: Mapped[str] = column(
        ForeignKey("app_user.id"), primary_key=True, doc="Whose password it is."
    )
    hash: Mapped[str] = column(Code, personal=False, secret=True, doc="Its argon2id hash.")
    changed_at: Mapped[datetime] = column(UtcDateTime, doc="Since when it is this one.")


class Session(Record):
    """That a user has signed in; the row goes when the session ends."""

    __tablename__ = "user_session"

    user_id: Mapped[str] = column(ForeignKey("app_user.id"), doc="Who has signed in.")
    digest: Mapped[bytes] = column(LargeBinary, doc="What is kept of its secret.")
    expires_at: Mapped[datetime] = column(
        UtcDateTime, filterable=True, doc="When it ends by itself."
    )


class Invitation(Record):
    """A link with which a user chooses a password, once; the row goes when it is used."""

    __tablename__ = "user_invitation"

    user_id: Mapped[str] = column(ForeignKey("app_user.id"), unique=True, doc="Who is invited.")
    digest: Mapped[bytes] = column(LargeBinary, doc="What is kept of its secret.")
    expires_at: Mapped[datetime] = column(
        UtcDateTime, filterable=True, doc="When it ends by itself."
    )

"""Tables: users and teams."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Text
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code
from crmkit.store.database import Versioned, column


class Team(Versioned):
    """People who look after the same customers."""

    __tablename__ = "team"

    name: Mapped[str] = column(Text, personal=False, filterable=True, doc="What it is called.")
    active: Mapped[bool] = column(
        Boolean, default=True, filterable=True, doc="Whether customers can be given to it."
    )


class User(Versioned):
    """A colleague who uses the CRM; `user` alone is a reserved word of SQL."""

    __tablename__ = "app_user"

    name: Mapped[str] = column(
        Text, personal=True, filterable=True, doc="The name colleagues know them by."
    )
    mail: Mapped[str] = column(
        Code,
        personal=True,
        unique=True,
        filterable=True,
        doc="Their address at work, in lower case.",
    )
    subject: Mapped[str | None] = column(
        Code,
        personal=True,
        unique=True,
        default=None,
        doc="Who they are to the identity provider.",
    )
    team_id: Mapped[str | None] = column(
        ForeignKey("team.id"), default=None, doc="The team they stand in."
    )
    active: Mapped[bool] = column(
        Boolean, default=True, filterable=True, doc="Whether they still work here."
    )

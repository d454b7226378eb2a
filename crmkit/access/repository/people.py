"""The statements of users, their passwords, sessions and invitations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmkit.access.models import ApiKey, Invitation, Password, Session, User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from crmkit.host.context import Context
    from crmkit.store.drivers import Database


@dataclass(frozen=True)
class KnownUser:
    """What rules need to know of a user."""

    id: str
    name: str
    mail: str
    active: bool
    hash: str | None


@dataclass(frozen=True)
class KnownSession:
    """What signing in needs to know of a session, and of the user whose it is."""

    id: str
    user_id: str
    digest: bytes
    expires_at: datetime
    team_id: str | None
    active: bool


@dataclass(frozen=True)
class KnownSubject:
    """What signing in needs to know of a user whom the identity provider names."""

    id: str
    team_id: str | None
    active: bool


@dataclass(frozen=True)
class KnownInvitation:
    """What rules need to know of an invitation, and of the user who is invited."""

    id: str
    digest: bytes
    expires_at: datetime
    user: KnownUser


_USER = (User.id, User.name, User.mail, User.active, Password.hash)


async def by_mail(context: Context[Any], mail: str) -> KnownUser | None:
    """Finds the user of a mailbox."""
    return await _user(context, User.mail == mail)


async def by_id(context: Context[Any], id: str) -> KnownUser | None:
    """Finds a user."""
    return await _user(context, User.id == id)


async def session(database: Database, id: str) -> KnownSession | None:
    """Finds a session, expired ones too."""
    columns = (Session.id, Session.user_id, Session.digest, Session.expires_at)
    wanted = select(*columns, User.team_id, User.active).join(User, User.id == Session.user_id)
    found = await database.fetch(wanted.where(Session.id == id))
    return KnownSession(*found[0]) if found else None


async def open_sessions(
    database: Database, user_id: str, now: datetime
) -> list[tuple[str, datetime, datetime]]:
    """The sessions of a user that have not ended: ids, beginnings and ends, the newest first."""
    wanted = select(Session.id, Session.created_at, Session.expires_at)
    wanted = wanted.where(Session.user_id == user_id, Session.expires_at > now)
    return await database.fetch(wanted.order_by(Session.created_at.desc(), Session.id.desc()))


async def by_subject(database: Database, subject: str) -> KnownSubject | None:
    """Finds the user whom the identity provider calls this."""
    wanted = select(User.id, User.team_id, User.active).where(User.subject == subject)
    found = await database.fetch(wanted)
    return KnownSubject(*found[0]) if found else None


async def invitation(context: Context[Any], id: str) -> KnownInvitation | None:
    """Finds an invitation, expired ones too, and the user who is invited."""
    columns = (Invitation.id, Invitation.digest, Invitation.expires_at)
    wanted = (
        select(*columns, *_USER)
        .join(User, User.id == Invitation.user_id)
        .outerjoin(Password, Password.user_id == User.id)
        .where(Invitation.id == id)
    )
    found: list[Any] = await context.rules(wanted)
    for id_, digest, expires_at, *user in found:
        return KnownInvitation(id_, digest, expires_at, KnownUser(*user))
    return None


async def held(context: Context[Any], ids: Sequence[str]) -> dict[str, bool]:
    """Locks users, and says of each whether he is active."""
    wanted = select(User.id, User.active).where(User.id.in_(sorted(ids))).order_by(User.id)
    return dict(await context.rules(wanted.with_for_update()))


def sessions_of(user_id: str, *, but: str = "") -> ColumnElement[bool]:
    """The sessions of a user, without one of them."""
    return (Session.user_id == user_id) & (Session.id != but)


def session_of(id: str) -> ColumnElement[bool]:
    """One session."""
    return Session.id == id


def own_session(user_id: str, id: str) -> ColumnElement[bool]:
    """One session, if it is this user's."""
    return (Session.id == id) & (Session.user_id == user_id)


def invitations_of(user_id: str) -> ColumnElement[bool]:
    """The invitations of a user."""
    return Invitation.user_id == user_id


def invitation_of(id: str) -> ColumnElement[bool]:
    """One invitation."""
    return Invitation.id == id


def ended_sessions(now: datetime) -> ColumnElement[bool]:
    """Sessions that have ended by themselves."""
    return Session.expires_at <= now


def ended_invitations(now: datetime) -> ColumnElement[bool]:
    """Invitations that have ended by themselves."""
    return Invitation.expires_at <= now


def open_keys_of(user_id: str) -> ColumnElement[bool]:
    """The keys of a user that nobody has ended."""
    return (ApiKey.user_id == user_id) & ApiKey.revoked_at.is_(None)


async def _user(context: Context[Any], which: ColumnElement[bool]) -> KnownUser | None:
    wanted = select(*_USER).outerjoin(Password, Password.user_id == User.id).where(which)
    found = await context.rules(wanted)
    return KnownUser(*found[0]) if found else None

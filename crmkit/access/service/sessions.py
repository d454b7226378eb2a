"""Users sign in with a password, and out again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crmkit.access import errors, models, types
from crmkit.access.repository import people, points
from crmkit.access.service.tries import count_try, forgive_tries
from crmkit.engine.mutations import mutation
from crmkit.host.context import Context
from crmkit.values import passwords
from crmkit.values.tokens import Token, TokenKind

if TYPE_CHECKING:
    from datetime import datetime


@mutation(permission="core.session.create")
async def sign_in(context: Context[Any], input: types.SignIn) -> types.SignedIn:
    """Begins a session of a user who knows the password; it is told to nobody else."""
    mail = input.mail.strip().lower()
    await count_try(context, mail)
    known = await people.by_mail(context, mail)
    # An unknown mailbox takes as long as a wrong password, and is answered alike.
    is_right = await passwords.matches(input.password, known.hash if known else None)
    if known is None or not known.active or not is_right:
        raise errors.WrongPassword("password")
    await forgive_tries(context, mail)
    token, expires_at = begun(context, known.id)
    return types.SignedIn(token, expires_at)


@mutation(permission="core.session.end")
async def sign_out(context: Context[Any], input: types.SignOut) -> types.SignedOut:
    """Ends the session that asks, or all sessions of its user."""
    own = context.actor.values.get("session")
    if input.everywhere and context.actor.kind == "user":
        context.write.delete(models.Session, where=people.sessions_of(context.actor.id))
    elif own is not None:
        context.write.delete(models.Session, where=people.session_of(own))
    return types.SignedOut(input.everywhere)


@mutation(permission="core.session.end")
async def change_password(
    context: Context[Any], input: types.ChangePassword
) -> types.ChangedPassword:
    """Gives yourself another password, and ends your other sessions."""
    known = await people.by_id(context, context.actor.id)
    if known is None or context.actor.key is not None:
        raise errors.NoPassword
    await count_try(context, known.mail)
    if not await passwords.matches(input.current, known.hash):
        raise errors.WrongPassword("current")
    await forgive_tries(context, known.mail)
    await set_password(context, known.id, input.new)
    own = context.actor.values.get("session") or ""
    context.write.delete(models.Session, where=people.sessions_of(known.id, but=own))
    return types.ChangedPassword(context.unit.at)


async def forget_ended(context: Context[Any]) -> None:
    """Deletes what has ended by itself, which lets nobody in any more."""
    now = context.clock.now()
    context.write.delete(models.Session, where=people.ended_sessions(now))
    context.write.delete(models.Invitation, where=people.ended_invitations(now))
    context.write.delete(models.PointBudget, where=points.full(now))


def begun(context: Context[Any], user_id: str) -> tuple[str, datetime]:
    """Begins a session: what its user says from now on, and until when."""
    secret, digest = context.host.tokens.new()
    hours = context.host.settings.access.session_hours
    expires_at = context.clock.now() + timedelta(hours=hours)
    row = models.Session(user_id=user_id, digest=digest, expires_at=expires_at)
    context.write.add(row)
    return str(Token(TokenKind.SESSION, row.id, secret)), expires_at


async def set_password(context: Context[Any], user_id: str, password: str) -> None:
    """Keeps the hash of a password in the place of the one before."""
    hash_ = await passwords.hashed(password)
    row = models.Password(user_id=user_id, hash=hash_, changed_at=context.clock.now())
    changes = [models.Password.hash, models.Password.changed_at]
    context.write.upsert(models.Password, [row], key=models.Password.user_id, set=changes)

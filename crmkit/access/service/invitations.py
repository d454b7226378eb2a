"""Users are invited and choose a password, by a link that works once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crmkit.access import errors, models, types
from crmkit.access.repository import people
from crmkit.access.service.roles import give, grants_of
from crmkit.access.service.sessions import begun, set_password
from crmkit.access.service.tries import count_try, forgive_tries
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.values.contacts import email_address
from crmkit.values.tokens import Token, TokenKind

if TYPE_CHECKING:
    from datetime import datetime


@mutation(permission="core.user.invite")
async def invite_user(context: Context[Any], input: types.InviteUser) -> types.InvitedUser:
    """Adds a colleague, and makes the link with which they choose a password."""
    row = models.User(
        name=input.name.strip(), mail=email_address(input.mail).lower(), team_id=input.team_id
    )
    context.write.add(row)
    await give(context, row.id, input.roles)
    token, expires_at = _link(context, row.id)
    return types.InvitedUser(ref(types.User, row.id), token, _page(context, token), expires_at)


@mutation(permission="core.user.reset_password")
async def reset_password(context: Context[Any], input: types.ResetPassword) -> types.PasswordReset:
    """Makes a link with which a user chooses a new password; the last one made is good."""
    if not (await people.held(context, [input.user_id]))[input.user_id]:
        raise errors.Deactivated("user_id")
    for grant in await grants_of(context.host, input.user_id):
        # Otherwise whoever resets the password of an admin is one.
        if excess := context.actor.rights.excess(grant):
            raise errors.WiderThanOwn(excess, "user_id")
    context.write.delete(models.Invitation, where=people.invitations_of(input.user_id))
    token, expires_at = _link(context, input.user_id)
    return types.PasswordReset(token, _page(context, token), expires_at)


@mutation(permission="core.session.create")
async def accept_invitation(
    context: Context[Any], input: types.AcceptInvitation
) -> types.AcceptedInvitation:
    """Chooses a password by a link, and signs in with it; the user's other sessions end."""
    await count_try(context)
    token = Token.read(input.token)
    known = token and await people.invitation(context, token.id)
    is_genuine = token and context.host.tokens.is_of(token, known.digest if known else b"")
    has_ended = known and (known.expires_at <= context.clock.now() or not known.user.active)
    if not known or not is_genuine or has_ended:
        raise errors.LinkEnded
    await forgive_tries(context)
    await set_password(context, known.user.id, input.password)
    # Of two who use it at once, one finds it gone.
    gone = people.invitation_of(known.id)
    context.write.delete(models.Invitation, where=gone, expect=1, otherwise=errors.LinkEnded())
    context.write.delete(models.Session, where=people.sessions_of(known.user.id))
    session, expires_at = begun(context, known.user.id)
    return types.AcceptedInvitation(session, expires_at)


def _link(context: Context[Any], user_id: str) -> tuple[str, datetime]:
    """Makes an invitation: what its user shows once, and until when."""
    secret, digest = context.host.tokens.new()
    hours = context.host.settings.access.invitation_hours
    expires_at = context.clock.now() + timedelta(hours=hours)
    row = models.Invitation(user_id=user_id, digest=digest, expires_at=expires_at)
    context.write.add(row)
    return str(Token(TokenKind.INVITATION, row.id, secret)), expires_at


def _page(context: Context[Any], token: str) -> str | None:
    """Where a user shows it, if there is such a page."""
    page = context.host.settings.access.link
    return f"{page}{token}" if page else None

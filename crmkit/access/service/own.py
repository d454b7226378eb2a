"""Everybody sees and ends his own keys and sessions, and nobody else's."""

from __future__ import annotations

from typing import Any

from crmkit.access import errors, models, types
from crmkit.access.repository import keys, people
from crmkit.engine.fields import ID
from crmkit.engine.mutations import mutation
from crmkit.engine.queries import query
from crmkit.host.context import Context
from crmkit.values.errors import NotFound


@query(permission="core.sign_in.own")
async def own_api_keys(context: Context[Any]) -> list[types.OwnApiKey]:
    """The keys that speak for you, those that have ended too, the newest first."""
    rows = await keys.of_user(context.host.database, _self(context))
    return [types.OwnApiKey(**row) for row in rows]


@query(permission="core.sign_in.own")
async def own_sessions(context: Context[Any]) -> list[types.OwnSession]:
    """Where you have signed in with your password, the latest first."""
    this, now = context.actor.values.get("session"), context.clock.now()
    rows = await people.open_sessions(context.host.database, _self(context), now)
    return [
        types.OwnSession(id=ID(id_), created_at=begun, expires_at=ends, is_this=id_ == this)
        for id_, begun, ends in rows
    ]


@mutation(permission="core.sign_in.own")
async def revoke_own_api_key(
    context: Context[Any], input: types.RevokeOwnApiKey
) -> types.RevokedOwnApiKey:
    """Ends a key of yours for ever; one that has been revoked stays so since then."""
    known = await keys.revoked(context, [input.id], user_id=_self(context))
    if input.id not in known:
        raise NotFound("You have no such key.", field="id")
    since = known[input.id]
    if since is None:
        since = context.clock.now()
        context.write.change(models.ApiKey, input.id, set={models.ApiKey.revoked_at: since})
    return types.RevokedOwnApiKey(input.id, since)


@mutation(permission="core.sign_in.own")
async def end_session(context: Context[Any], input: types.EndSession) -> types.EndedSession:
    """Signs you out where you have signed in, here or elsewhere."""
    context.write.delete(
        models.Session,
        where=people.own_session(_self(context), input.id),
        expect=1,
        otherwise=NotFound("You have no such session.", field="id"),
    )
    return types.EndedSession(input.id)


def _self(context: Context[Any]) -> str:
    if context.actor.key is not None:
        raise errors.SignInYourself
    return context.actor.id

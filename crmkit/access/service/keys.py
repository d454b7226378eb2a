"""Keys for programs are made and ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from crmkit.access import errors, models, types
from crmkit.access.repository import keys as repository
from crmkit.access.service.credentials import grants_of_key
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome
from crmkit.values import checks
from crmkit.values.tokens import Token, TokenKind

if TYPE_CHECKING:
    from crmkit.values.errors import Problem

Revocations = Sequence[Draft[types.RevokeApiKey, models.ApiKey]]


@mutation(permission="core.api_key.create")
async def create_api_key(context: Context[Any], input: types.CreateApiKey) -> types.CreatedApiKey:
    """Makes a key with which a program signs in; what it says then is told this once."""
    if context.actor.key is not None:
        raise errors.KeyOfKey
    user_id = None if input.service else input.user_id or _self(context)
    checks.check(_wishes(context, input))
    await _check_reach(context, input, user_id)
    secret, digest = context.host.tokens.new()
    row = models.ApiKey(
        name=input.name.strip(),
        user_id=user_id,
        service=input.service,
        digest=digest,
        permissions=None if input.permissions is None else sorted(set(input.permissions)),
        networks=list(input.networks),
        read_only=input.read_only,
        expires_at=input.expires_at,
    )
    context.write.add(row)
    token = str(Token(TokenKind.KEY, row.id, secret))
    return types.CreatedApiKey(ref(types.ApiKey, row.id), token)


@mutation(permission="core.api_key.revoke", bulk="revokeApiKeys")
async def revoke_api_keys(
    context: Context[Any], drafts: Revocations
) -> Sequence[types.RevokedApiKey]:
    """Ends a key for ever; one that has been revoked stays so since then."""
    known = await repository.revoked(context, [each.input.id for each in drafts])
    for each in drafts:
        is_news = known[each.input.id] is None
        each.outcome = Outcome.UPDATED if is_news else Outcome.UNCHANGED
        if is_news:
            known[each.input.id] = now = context.clock.now()
            context.write.change(models.ApiKey, each.input.id, set={models.ApiKey.revoked_at: now})
    return [types.RevokedApiKey(ref(types.ApiKey, each.input.id)) for each in drafts]


def _self(context: Context[Any]) -> str:
    if context.actor.kind != "user":
        raise errors.OfNobody
    return context.actor.id


def _wishes(context: Context[Any], given: types.CreateApiKey) -> Iterator[Problem]:
    """What is wrong with a key whoever makes it."""
    known = context.host.loaded.permissions
    for index, each in enumerate(given.permissions or ()):
        if each not in known:
            yield checks.fault(("permissions", index), f"There is no permission {each[:80]!r}.")
    if given.expires_at is not None and given.expires_at <= context.clock.now():
        yield checks.fault("expires_at", "This is over already.")


async def _check_reach(
    context: Context[Any], given: types.CreateApiKey, user_id: str | None
) -> None:
    """Nobody hands on what he has not, and only some speak for others.

    Raises:
        Forbidden: He would.
    """
    actor, whose = context.actor, "service" if given.service else "user_id"
    if user_id != actor.id and not actor.may("core.api_key.issue"):
        raise errors.ForOthers(whose)
    for index, each in enumerate(given.permissions or ()):
        if not actor.may(each):
            raise errors.WiderThanOwn(f"the permission {each}", ("permissions", index))
    for grant in await grants_of_key(context.host, user_id, given.permissions):
        if excess := actor.rights.excess(grant):
            raise errors.WiderThanOwn(excess, whose)

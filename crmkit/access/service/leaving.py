"""Users leave, with all that is theirs, and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmkit.access import errors, models, types
from crmkit.access.repository import people
from crmkit.access.repository.roles import admins
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome

Deactivations = Sequence[Draft[types.DeactivateUser, models.User]]
Reactivations = Sequence[Draft[types.ReactivateUser, models.User]]


@mutation(permission="core.user.deactivate", bulk="deactivateUsers")
async def deactivate_users(
    context: Context[Any], drafts: Deactivations
) -> Sequence[types.DeactivatedUser]:
    """Lets a user in no longer: keys are revoked, sessions and links end."""
    await _check_somebody_stays(context, drafts)
    for user_id in await _switched(context, drafts, active=False):
        now = {models.ApiKey.revoked_at: context.clock.now()}
        context.write.update(models.ApiKey, where=people.open_keys_of(user_id), set=now)
        context.write.delete(models.Session, where=people.sessions_of(user_id))
        context.write.delete(models.Invitation, where=people.invitations_of(user_id))
    return [types.DeactivatedUser(ref(types.User, each.input.id)) for each in drafts]


@mutation(permission="core.user.deactivate", bulk="reactivateUsers")
async def reactivate_users(
    context: Context[Any], drafts: Reactivations
) -> Sequence[types.ReactivatedUser]:
    """Lets a user in again, with the password they had."""
    await _switched(context, drafts, active=True)
    return [types.ReactivatedUser(ref(types.User, each.input.id)) for each in drafts]


async def _check_somebody_stays(context: Context[Any], drafts: Deactivations) -> None:
    """Rejects whoever would leave nobody behind who can undo it."""
    leaving = {each.input.id for each in drafts}
    had, left = await admins(context), await admins(context, without=leaving)
    for each in drafts:
        if each.input.id == context.actor.id:
            context.reject(each, errors.Yourself("id"))
        elif had and not left:
            context.reject(each, errors.LastAdmin("id"))


async def _switched(
    context: Context[Any], drafts: Deactivations | Reactivations, *, active: bool
) -> list[str]:
    """Changes whether users are active, and says for whom that is news."""
    known = await people.held(context, [each.input.id for each in drafts])
    changed = []
    for each in drafts:
        id_, version = each.input.id, each.input.version
        each.outcome = Outcome.UNCHANGED if known[id_] is active else Outcome.UPDATED
        if each.outcome is Outcome.UPDATED:
            known[id_] = active
            changed.append(id_)
            news = {models.User.active: active}
            context.write.change(models.User, id_, set=news, expect_version=version)
    return changed

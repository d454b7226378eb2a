"""Who acts here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmkit.access import errors, models, types
from crmkit.access.service.roles import grants_of
from crmkit.engine.mutation_inputs import UNSET
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome
from crmkit.values.contacts import email_address


@mutation(permission="core.team.create", bulk="createTeams")
async def create_teams(
    context: Context[Any], drafts: Sequence[Draft[types.CreateTeam, models.Team]]
) -> Sequence[types.CreatedTeam]:
    """Adds a team that customers can be given to."""
    context.write.add(*[each.becomes(models.Team(name=each.input.name.strip())) for each in drafts])
    return [types.CreatedTeam(ref(types.Team, each.row.id)) for each in drafts]


@mutation(permission="core.user.create", bulk="createUsers")
async def create_users(
    context: Context[Any], drafts: Sequence[Draft[types.CreateUser, models.User]]
) -> Sequence[types.CreatedUser]:
    """Adds a colleague who uses the CRM."""
    context.write.add(*[each.becomes(_user(each.input)) for each in drafts])
    return [types.CreatedUser(ref(types.User, each.row.id)) for each in drafts]


@mutation(permission="core.team.update", bulk="updateTeams")
async def update_teams(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateTeam, models.Team]]
) -> Sequence[types.UpdatedTeam]:
    """Changes what a team is called, and whether customers can be given to it."""
    for each in drafts:
        given = each.input
        news: dict[Any, Any] = {}
        if given.name is not UNSET:
            news[models.Team.name] = str(given.name).strip()
        if given.active is not UNSET:
            news[models.Team.active] = given.active
        each.outcome = Outcome.UPDATED
        context.write.change(models.Team, given.id, set=news, expect_version=given.version)
    return [types.UpdatedTeam(ref(types.Team, each.input.id)) for each in drafts]


@mutation(permission="core.user.update", bulk="updateUsers")
async def update_users(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateUser, models.User]]
) -> Sequence[types.UpdatedUser]:
    """Changes a colleague, who may do no more than whoever changes him."""
    for each in drafts:
        await _check_above(context, each)
        each.outcome = Outcome.UPDATED
        given = each.input
        context.write.change(models.User, given.id, set=_news(given), expect_version=given.version)
    return [types.UpdatedUser(ref(types.User, each.input.id)) for each in drafts]


async def _check_above(context: Context[Any], draft: Draft[types.UpdateUser, models.User]) -> None:
    """Whose mailbox and team somebody changes, as him he can sign in, and see what he sees."""
    given, actor = draft.input, context.actor
    for grant in await grants_of(context.host, given.id):
        if excess := actor.rights.excess(grant):
            context.reject(draft, errors.WiderThanOwn(excess, "id"))
    is_moved = given.team_id is not UNSET and given.team_id != actor.values.get("team")
    if is_moved and not actor.rights.reaches_all("core.customer.read"):
        context.reject(draft, errors.OtherTeam())


def _news(given: types.UpdateUser) -> dict[Any, Any]:
    user = models.User
    said = {user.subject: given.external_subject, user.team_id: given.team_id}
    if given.name is not UNSET:
        said[user.name] = str(given.name).strip()
    if given.mail is not UNSET:
        said[user.mail] = email_address(str(given.mail)).lower()
    return {column: value for column, value in said.items() if value is not UNSET}


def _user(given: types.CreateUser) -> models.User:
    return models.User(
        name=given.name.strip(),
        # Providers disagree about capitals, and one mailbox is one colleague.
        mail=email_address(given.mail).lower(),
        subject=given.external_subject,
        team_id=given.team_id,
    )

"""Who acts here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmkit.access import models, types
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.host.context import Context, Draft
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


def _user(given: types.CreateUser) -> models.User:
    return models.User(
        name=given.name.strip(),
        # Providers disagree about capitals, and one mailbox is one colleague.
        mail=email_address(given.mail).lower(),
        subject=given.external_subject,
        team_id=given.team_id,
    )

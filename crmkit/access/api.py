"""What others ask of access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.access import errors
from crmkit.access.repository import roles as repository
from crmkit.access.service.roles import granted

if TYPE_CHECKING:
    from crmkit.host.actors import Grant
    from crmkit.host.context import Context


async def grant_of(context: Context[Any], role_id: str) -> Grant | None:
    """What a role gives today; nothing where there is no such role any more."""
    found = await repository.of_ids(context.host.database, [role_id])
    return granted(context.host, found[0]) if found else None


async def check_hands_on(context: Context[Any], role_id: str, field: str) -> None:
    """Refuses that somebody has others act by a role that gives more than he has.

    Raises:
        WiderThanOwn: It does.
    """
    grant = await grant_of(context, role_id)
    if grant is not None and (excess := context.actor.rights.excess(grant)):
        raise errors.WiderThanOwn(excess, field)


__all__ = ["check_hands_on", "grant_of"]

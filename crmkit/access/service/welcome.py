"""Whom the identity provider names for the first time becomes a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from crmkit.access import models
from crmkit.access.service.roles import give
from crmkit.values.contacts import email_address
from crmkit.values.errors import Failure, Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmkit.host.context import Context
    from crmkit.host.host import Host

log = structlog.get_logger("crmkit.access")


async def welcome(host: Host, claims: Mapping[str, Any], roles: Sequence[str]) -> None:
    """Adds the user of these claims with these roles, unless that cannot be."""

    async def body(context: Context[Any]) -> None:
        row = _user(claims)
        context.write.add(row)
        await give(context, row.id, roles)

    try:
        await host.run_unit("core", body, operation="welcome")
    except Failure as failure:
        # Another server was first, or somebody has the address, who may be somebody else.
        log.warning("nobody was welcomed", code=failure.code, reason=failure.reason)


def _user(claims: Mapping[str, Any]) -> models.User:
    mail = claims.get("email")
    if not isinstance(mail, str) or claims.get("email_verified") is False:
        raise Invalid("The identity provider vouches for no mail address.", field="email")
    name = claims.get("name")
    return models.User(
        name=name.strip()[:200] if isinstance(name, str) and name.strip() else mail,
        mail=email_address(mail).lower(),
        subject=claims["sub"],
    )

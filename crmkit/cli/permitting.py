"""`crmkit permissions`: who may do what, and why."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from crmkit.access import service
from crmkit.app import load_plugins
from crmkit.cli.explaining import read_variables
from crmkit.cli.running import log_to_stderr, opened
from crmkit.graph.explaining import coordinates
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crmkit.app import Crm
    from crmkit.engine.requirements import Requirement
    from crmkit.host.actors import Grant, Rights

_OUT = Console(highlight=False, markup=False, soft_wrap=True)


def permissions() -> None:
    """Prints every permission with the roles of every app that begin with it."""
    log_to_stderr(logging.WARNING)
    loaded = load_plugins(load_settings())
    table = Table("permission", "what it allows", "roles that begin with it", box=None)
    for key, description in sorted(loaded.permissions.items()):
        roles = [role for role, keys in loaded.presets.items() if key in keys]
        table.add_row(key, description, ", ".join(roles))
    _OUT.print(table)


def explain(actor: str, operation: str, variables: str) -> None:
    """Prints what an operation takes and who grants it; ends with 1 where it is refused.

    Raises:
        SetupError: There is no such user or role, or the variables are no JSON object.
        Invalid: It is no operation of this schema.
    """
    log_to_stderr(logging.WARNING)
    if not asyncio.run(_explained(actor, operation, read_variables(variables))):
        sys.exit(1)


async def _explained(actor: str, operation: str, variables: Mapping[str, object]) -> bool:
    settings = load_settings()
    async with opened(settings) as crm:
        names = coordinates(crm.schema, settings, operation, variables)
        grants = await _grants(crm, actor)
    rights = crm.schema.requirements.rights(grants.values())
    refused = [each for each in names if each in rights.refused]
    _show(crm, names, grants, rights)
    _OUT.print(f"{actor}: {'refused' if refused else 'allowed'}")
    return not refused


async def _grants(crm: Crm, actor: str) -> Mapping[str, Grant]:
    """What the roles of a user, or one role, give, by the keys of the roles."""
    found = await service.grants_by_role(crm.host, actor)
    if found is None:
        raise SetupError(f"There is no user with the mail {actor}, and no role of that key.")
    return found


def _show(crm: Crm, names: Collection[str], grants: Mapping[str, Grant], rights: Rights) -> None:
    table = Table("named", "takes", "granted by", box=None)
    for name in sorted(names):
        taken = crm.schema.requirements.taken(name)
        takes = ", ".join(sorted(taken.permissions)) or "nothing"
        if name in rights.refused:
            lacking = rights.refused[name]
            granted = f"nobody: no role grants {lacking}" if lacking else "nobody: it is hidden"
        else:
            granted = ", ".join(_granting(taken, grants)) or "everybody"
        table.add_row(name, takes, granted)
    _OUT.print(table)


def _granting(taken: Requirement, grants: Mapping[str, Grant]) -> Sequence[str]:
    """The roles that grant something of what is taken, and how far each reaches."""
    return [
        f"{key} ({grant.scope})"
        for key, grant in grants.items()
        if taken.permissions & grant.permissions
    ]

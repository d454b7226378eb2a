"""The key with which the load signs in: that of an admin, who may do everything."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select

from crmkit.access.models import ApiKey, Role, User, UserRole
from crmkit.app import open_crm
from crmkit.host.context import Context
from crmkit.settings import Settings
from crmkit.values.tokens import Tokens
from tests.benchmarks.load import TOKEN

SECRET = "nobody has to guess it"


def admit(address: str) -> None:
    """Lets a database know the key, if it does not yet."""
    asyncio.run(_admitted(address))


async def _admitted(address: str) -> None:
    crm = await open_crm(Settings.model_validate({"database": {"url": address}}), plugins=())
    try:
        await crm.prepare()
        await crm.host.run_unit("core", _add, operation="bench")
    finally:
        await crm.close()


async def _add(context: Context[Any]) -> None:
    if await context.rules(select(ApiKey.id).where(ApiKey.id == TOKEN.id)):
        return
    [(role,)] = await context.rules(select(Role.id).where(Role.key == "admin"))
    user = User(name="Bench", mail="bench@example.com")
    key = ApiKey(name="Bench", user_id=user.id, digest=Tokens(SECRET).digest(TOKEN.secret))
    key.id = TOKEN.id
    context.write.add(user, UserRole(user_id=user.id, role_id=role), key)

"""The statements of API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update

from crmkit.access.models import ApiKey, User
from crmkit.store.database import table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit.host.context import Context
    from crmkit.store.drivers import Database


@dataclass(frozen=True)
class KnownKey:
    """What signing in needs to know of a key, and of the user whose it is."""

    id: str
    user_id: str | None
    service: str | None
    digest: bytes
    permissions: Sequence[str] | None
    networks: Sequence[str]
    read_only: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    team_id: str | None
    user_is_active: bool | None


_TOLD = (
    ApiKey.id,
    ApiKey.name,
    ApiKey.permissions,
    ApiKey.networks,
    ApiKey.read_only,
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.last_used_at,
    ApiKey.revoked_at,
)


async def key(database: Database, id: str) -> KnownKey | None:
    """Finds a key, revoked and expired ones too."""
    columns = (
        ApiKey.id,
        ApiKey.user_id,
        ApiKey.service,
        ApiKey.digest,
        ApiKey.permissions,
        ApiKey.networks,
        ApiKey.read_only,
        ApiKey.expires_at,
        ApiKey.last_used_at,
        ApiKey.revoked_at,
        User.team_id,
        User.active,
    )
    wanted = select(*columns).outerjoin(User, User.id == ApiKey.user_id).where(ApiKey.id == id)
    found = await database.fetch(wanted)
    return KnownKey(*found[0]) if found else None


async def of_user(database: Database, user_id: str) -> list[dict[str, Any]]:
    """The keys of a user, the newest first, with all that may be told of them."""
    wanted = select(*_TOLD).where(ApiKey.user_id == user_id)
    rows = await database.fetch(wanted.order_by(ApiKey.created_at.desc(), ApiKey.id.desc()))
    return [dict(zip([each.key for each in _TOLD], row, strict=True)) for row in rows]


async def note_uses(database: Database, uses: Mapping[str, datetime]) -> None:
    """Writes when keys were used, unless somebody has written a later moment."""
    table = table_of(ApiKey)
    async with database.transaction() as transaction:
        for id_, at in sorted(uses.items()):
            earlier = or_(table.c.last_used_at.is_(None), table.c.last_used_at < at)
            noted = update(table).where(table.c.id == id_, earlier).values(last_used_at=at)
            await transaction.run(noted)


async def revoked(
    context: Context[Any], ids: Sequence[str], *, user_id: str | None = None
) -> dict[str, datetime | None]:
    """Locks keys, those of a user if one is named, and says of each when it was revoked."""
    wanted = select(ApiKey.id, ApiKey.revoked_at).where(ApiKey.id.in_(sorted(ids)))
    if user_id is not None:
        wanted = wanted.where(ApiKey.user_id == user_id)
    rows = await context.rules(wanted.order_by(ApiKey.id).with_for_update())
    return dict(rows)

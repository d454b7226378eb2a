"""The statements of roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from crmkit.access.models import Role, User, UserRole

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement

    from crmkit.host.context import Context
    from crmkit.store.drivers import Database


@dataclass(frozen=True)
class KnownRole:
    """What a role gives, as it stands in the database."""

    id: str
    key: str
    preset: str | None
    scope: str
    permissions: Sequence[str]
    hidden_fields: Sequence[str]


_ROLE = (Role.id, Role.key, Role.preset, Role.scope, Role.permissions, Role.hidden_fields)


async def user_of(database: Database, mail: str) -> str | None:
    """The user of a mailbox."""
    found = await database.fetch(select(User.id).where(User.mail == mail.lower()))
    return str(found[0][0]) if found else None


async def of_user(database: Database, user_id: str) -> list[KnownRole]:
    """The roles of a user."""
    wanted = select(*_ROLE).join(UserRole, UserRole.role_id == Role.id)
    rows = await database.fetch(wanted.where(UserRole.user_id == user_id))
    return [KnownRole(*row) for row in rows]


async def named(database: Database, key: str) -> list[KnownRole]:
    """The role of this key, if there is one."""
    return [KnownRole(*row) for row in await database.fetch(select(*_ROLE).where(Role.key == key))]


async def of_ids(database: Database, ids: Collection[str]) -> list[KnownRole]:
    """Roles by their ids."""
    found = await database.fetch(select(*_ROLE).where(Role.id.in_(sorted(ids))))
    return [KnownRole(*row) for row in found]


async def held(context: Context[Any], ids: Collection[str]) -> dict[str, KnownRole]:
    """Locks roles, so that nobody widens them meanwhile, and says what they give."""
    wanted = select(*_ROLE).where(Role.id.in_(sorted(ids))).order_by(Role.id)
    rows = await context.rules(wanted.with_for_update())
    return {row[0]: KnownRole(*row) for row in rows}


async def of_keys(context: Context[Any], keys: Collection[str]) -> dict[str, KnownRole]:
    """The roles of these keys, as far as there are any."""
    rows = await context.rules(select(*_ROLE).where(Role.key.in_(sorted(keys))))
    return {row[1]: KnownRole(*row) for row in rows}


async def is_any(context: Context[Any]) -> bool:
    """Whether there is a role."""
    return bool(await context.rules(select(Role.id).limit(1)))


async def pairs(
    context: Context[Any], user_ids: Collection[str], role_ids: Collection[str]
) -> dict[tuple[str, str], str]:
    """Which of these users have which of these roles: the rows that say so."""
    link = UserRole
    wanted = select(link.user_id, link.role_id, link.id).where(
        link.user_id.in_(sorted(user_ids)), link.role_id.in_(sorted(role_ids))
    )
    return {(user, role): id_ for user, role, id_ in await context.rules(wanted)}


async def admins(
    context: Context[Any], *, but: Collection[str] = (), without: Collection[str] = ()
) -> int:
    """How many active users have a role of all permissions, but for these grants and users."""
    wanted = (
        select(func.count(func.distinct(User.id)))
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .where(User.active, Role.preset == "admin", Role.scope == "all")
        .where(UserRole.id.not_in(sorted(but)), User.id.not_in(sorted(without)))
    )
    [(count,)] = await context.rules(wanted)
    return count


async def is_used(context: Context[Any], role_id: str) -> bool:
    """Whether a user has this role."""
    wanted = select(UserRole.id).where(UserRole.role_id == role_id).limit(1)
    return bool(await context.rules(wanted))


def among(ids: Collection[str]) -> ColumnElement[bool]:
    """The grants of these ids."""
    return UserRole.id.in_(sorted(ids))


def role_of(id: str) -> ColumnElement[bool]:
    """The role of this id."""
    return Role.id == id

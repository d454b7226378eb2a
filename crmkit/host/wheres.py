"""Conditions on records that a plugin keeps as JSON and asks by itself, such as a webhook's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Select

    from crmkit.host.actors import Actor
    from crmkit.host.context import Context

_SOME = 1_000


class Wheres(Protocol):
    """What conditions mean in one schema."""

    def among(
        self, kind: type, where: Any, actor: Actor, ids: Collection[str], *, deleted: bool = False
    ) -> Select[Any]: ...


def check_where(context: Context[Any], kind: type, where: Any) -> None:
    """Refuses a `where` that the actor could not say of records of this kind.

    Args:
        context: One that has the rights of those who are to be told: `context.limited(grant)`.
        kind: The node.
        where: As a client says it of a list of them, in JSON.

    Raises:
        Invalid: It does not fit the kind; each problem names its place below `where`.
        Forbidden: It asks by a field that is hidden from the actor or not for him.
        QueryTooComplex: It asks too much.
    """
    context.host.wheres.among(kind, where, context.actor, ())


async def fulfilling(
    context: Context[Any], kind: type, where: Any, seen: Mapping[str, object]
) -> set[str]:
    """Those of these records that fulfil a `where` today.

    Args:
        context: One that has the rights of those who are told.
        kind: The node of all of them.
        where: As for `check_where`.
        seen: What `records` has found; of what is deleted, it is asked as it was.

    Raises:
        Failure: As `check_where`, for a schema and a role can have become others.
    """
    found: set[str] = set()
    for deleted in (False, True):
        ids = sorted(id_ for id_, record in seen.items() if (record is None) is deleted)
        for start in range(0, len(ids), _SOME):
            some = ids[start : start + _SOME]
            wanted = context.host.wheres.among(kind, where, context.actor, some, deleted=deleted)
            found.update([id_ for (id_,) in await context.read(wanted)])
    return found

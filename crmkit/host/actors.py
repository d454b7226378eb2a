"""Who acts, and what he may: permissions, rows that he reaches, fields that are hidden."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Column, Table

from crmkit.store.reach import Reach
from crmkit.values.errors import Forbidden


@dataclass(frozen=True)
class Grant:
    """What one role gives: permissions, how far they reach, and the fields that it hides.

    `scope` is `all`, `team`, `own`, or the key of a scope that a plugin registers.
    """

    permissions: frozenset[str]
    scope: str = "all"
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reader:
    """Everybody who has just these permissions, as the row scope of a plugin sees them."""

    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether they have this permission."""
        return permission in self.permissions


@dataclass(frozen=True, eq=False)
class Rights:
    """What all roles of somebody come to in one schema; shared by all who have the same.

    `refused` are the coordinates (`Customer.phones`, `CustomerWhere.phones`, `Mutation.…`)
    that an operation of theirs may not name, each with the permission that it lacks or,
    where the field is hidden, with nothing.
    """

    permissions: frozenset[str]
    reach: Reach = field(default_factory=Reach)
    refused: Mapping[str, str | None] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    grants: frozenset[Grant] = frozenset()
    is_unlimited: bool = False

    def may(self, permission: str) -> bool:
        """Whether a role grants this permission."""
        return self.is_unlimited or permission in self.permissions

    def reaches_all(self, permission: str) -> bool:
        """Whether this permission of his reaches all records there are."""
        return self.is_unlimited or "all" in self._scopes(permission)

    def excess(self, grant: Grant) -> str | None:
        """What a grant gives that these rights do not have: nobody hands on more than he has."""
        if self.is_unlimited:
            return None
        for permission in sorted(grant.permissions):
            if permission not in self.permissions:
                return f"the permission {permission}"
            if not {"all", grant.scope, _WIDER.get(grant.scope)} & self._scopes(permission):
                return f"the permission {permission} with the scope {grant.scope}"
        shown = sorted(self.hidden - grant.hidden) if grant.permissions else []
        return f"the field {shown[0]}" if shown else None

    def _scopes(self, permission: str) -> set[str]:
        return {each.scope for each in self.grants if permission in each.permissions}

    def check(self, coordinates: Collection[str]) -> None:
        """Refuses an operation that names what may not be used.

        Raises:
            Forbidden: It names a coordinate that is refused.
        """
        if self.refused and not self.refused.keys().isdisjoint(coordinates):
            raise _forbidden(self.refused, coordinates)


_WIDER = {"own": "team"}  # what the team looks after has one's own in it


@dataclass(frozen=True)
class Plain:
    """The kind of a record, and the columns behind those of its plain fields that are shown."""

    kind: str
    table: Table
    fields: Mapping[str, Sequence[Column[Any]]]


class Book(Protocol):
    """What grants come to in one schema."""

    permissions: frozenset[str]
    scopes: Mapping[str, Any]

    def rights(self, grants: Iterable[Grant], *, read_only: bool = False) -> Rights: ...

    def hideable(self, coordinate: str) -> bool: ...

    def plain(self, prefix: str, rights: Rights) -> Plain | None: ...


UNLIMITED = Rights(frozenset(), is_unlimited=True)
"""The rights of the system, of plugins at work by themselves, and of a developer."""


@dataclass(frozen=True)
class Actor:
    """Who acts: a user, a plugin, the system itself, or whoever it may be out there.

    `key` is the id of the API key that speaks for him; `values` are what his row scopes
    compare with, such as his own id and his team's.
    """

    id: str
    kind: str
    key: str | None = None
    rights: Rights = field(default=UNLIMITED, repr=False, compare=False)
    values: Mapping[str, str | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def reach(self) -> Reach:
        """The rows that he reaches."""
        reach = self.rights.reach
        return replace(reach, values=self.values) if self.values else reach

    def may(self, permission: str) -> bool:
        """Whether he has this permission."""
        return self.rights.may(permission)


SYSTEM = Actor("system", "system")


def _forbidden(refused: Mapping[str, str | None], coordinates: Collection[str]) -> Forbidden:
    found = sorted(each for each in coordinates if each in refused)
    lacking = refused[found[0]]
    why = f"it takes the permission {lacking}" if lacking else "it is hidden"
    return Forbidden(
        f"{found[0]} is not for this actor: {why}.",
        params={"coordinates": found, "permission": lacking},
    )

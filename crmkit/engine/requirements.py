"""What each coordinate of one schema takes, and what somebody's grants therefore come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from graphql import get_named_type
from sqlalchemy import Column, ColumnElement, FromClause, Table, or_

from crmkit.engine import fields as f
from crmkit.engine.inputs import shouted
from crmkit.host.actors import Grant, Plain, Reader, Rights
from crmkit.store.database import attribute, companions, table_of
from crmkit.store.reach import Extent, Reach, actor_value, scope_of, target_of
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from graphql import GraphQLInputObjectType, GraphQLSchema

    from crmkit.engine.mutation_fields import MutationField
    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry

    RowScope = Callable[[Reader, Table, FromClause], ColumnElement[bool] | None]

_MOST = 1_000  # sets of grants whose rights are kept; each is a role or a few of them


@dataclass(frozen=True)
class Requirement:
    """What it takes to name a field: permissions, and that none of its columns is hidden."""

    permissions: frozenset[str] = frozenset()
    columns: frozenset[Column[Any]] = frozenset()
    names: frozenset[str] = field(default_factory=frozenset)


class Requirements:
    """What every field, filter, order, group and mutation of a schema takes."""

    def __init__(
        self,
        registry: Registry,
        mutations: Iterable[MutationField],
        permissions: Iterable[str],
        scopes: Mapping[str, Extent] | None = None,
        narrowing: Sequence[RowScope] = (),
    ) -> None:
        self.permissions = frozenset(permissions)
        self.scopes: Mapping[str, Any] = {"team": _of_team, "own": _own, **(scopes or {})}
        self._narrowing = narrowing
        self._registry = registry
        self._by_coordinate = dict(self._all(mutations))
        self.kinds = {each.partition(".")[0] for each in self._by_coordinate}
        self._read = {table_of(spec.model): spec.read for spec in registry.nodes.values()}
        self._rights: dict[tuple[frozenset[Grant], bool], Rights] = {}

    def rights(self, grants: Iterable[Grant], *, read_only: bool = False) -> Rights:
        """What these grants come to; the same for the same, so that plans are shared.

        Raises:
            SetupError: A grant names a scope that nobody registers.
        """
        key = frozenset(grants), read_only
        if key not in self._rights:
            if len(self._rights) >= _MOST:
                self._rights.clear()
            self._rights[key] = self._made(*key)
        return self._rights[key]

    def taken(self, coordinate: str) -> Requirement:
        """What it takes to name this coordinate; nothing where everybody may."""
        return self._by_coordinate.get(coordinate, Requirement())

    def add_inputs(self, schema: GraphQLSchema) -> None:
        """Takes in what mutations write: whoever must not see a field must not try values of it.

        A field of an input is that field of a record in its payload which has the same name.
        """
        mutations = schema.mutation_type.fields.values() if schema.mutation_type else ()
        for mutation in mutations:
            records = [each for each in _objects(mutation.type) if each in self._registry.by_type]
            for written in _inputs(mutation.args["input"].type):
                for name in written.fields:
                    for record in records:
                        if (own := self._by_coordinate.get(f"{record}.{name}")) is not None:
                            hiding = Requirement(columns=own.columns, names=own.names)
                            self._by_coordinate[f"{written.name}.{name}"] = hiding

    def hideable(self, coordinate: str) -> bool:
        """Whether there is a field of a node under this name, such as `Customer.phones`."""
        kind, _, name = coordinate.partition(".")
        is_node = kind in self._registry.by_type and name not in ("id", "createdAt")
        return is_node and coordinate in self._by_coordinate

    def plain(self, prefix: str, rights: Rights) -> Plain | None:
        """What these rights show of the records whose ids begin so; nothing if none of them."""
        spec = self._registry.by_prefix.get(prefix)
        if spec is None or not rights.may(spec.read):
            return None
        shown: dict[str, tuple[Column[Any], ...]] = {}
        for each in self._registry.fields_of(spec.cls):
            name = self._registry.name(each)
            is_plain = isinstance(each.source, f.FromColumn | f.FromMoney)
            if is_plain and f"{spec.name}.{name}" not in rights.refused:
                shown[name] = tuple(_columns(each.source))
        return Plain(spec.name, table_of(spec.model), shown)

    # -- rights -----------------------------------------------------------------------------

    def _made(self, grants: frozenset[Grant], read_only: bool) -> Rights:
        held = frozenset(key for each in grants for key in each.permissions) & self.permissions
        hidden = frozenset(self._hidden(grants))
        columns = {each for name in hidden for each in self._by_coordinate[name].columns}
        refused = {
            coordinate: lacking
            for coordinate, each in self._by_coordinate.items()
            for lacking in _lacking(each, held, hidden, columns)
        }
        if read_only:
            mutations = (each for each in self._by_coordinate if each.startswith("Mutation."))
            refused |= dict.fromkeys(mutations)
        reach = Reach(
            narrow=tuple(partial(each, Reader(held)) for each in self._narrowing),
            extents=self._extents(grants),
            hidden=_by_table(columns),
            refused=self.permissions - held,
        )
        return Rights(held, reach, refused, hidden, grants)

    def _hidden(self, grants: frozenset[Grant]) -> Iterator[str]:
        """The fields of a node that every role hides which lets somebody read that node."""
        for coordinate in {each for grant in grants for each in grant.hidden}:
            spec = self._registry.by_type.get(coordinate.partition(".")[0])
            if spec is None or coordinate not in self._by_coordinate:
                continue  # Of a plugin that is not loaded, whose fields nobody can name.
            readers = [each for each in grants if spec.read in each.permissions]
            if all(coordinate in each.hidden for each in readers):
                yield coordinate

    def _extents(self, grants: frozenset[Grant]) -> Callable[[Table], tuple[Extent, ...] | None]:
        """How far these grants reach into each table, by the permission that reading it takes."""

        @cache
        def by_permission(permission: str) -> tuple[Extent, ...] | None:
            scopes = {each.scope for each in grants if permission in each.permissions}
            if "all" in scopes:
                return None
            return tuple(self._scope(each) for each in sorted(scopes))

        @cache
        def extent(table: Table) -> tuple[Extent, ...] | None:
            permission = self._permission(table)
            return None if permission is None else by_permission(permission)

        return extent

    def _scope(self, name: str) -> Extent:
        if name not in self.scopes:
            known = ", ".join(["all", *self.scopes])
            raise SetupError(f"There is no row scope {name}; there are {known}.")
        extent: Extent = self.scopes[name]
        return extent

    def _permission(self, table: Table) -> str | None:
        """What reading a table takes: its node's permission, or that of whom its rows belong to."""
        if table in self._read:
            return self._read[table]
        owners = [target_of(table, key) for key in scope_of(table).keys]
        found = (self._permission(each) for each in owners)
        return next((each for each in found if each is not None), None)

    # -- requirements -------------------------------------------------------------------------

    def _all(self, mutations: Iterable[MutationField]) -> Iterator[tuple[str, Requirement]]:
        for cls, members in self._registry.members.items():
            spec = self._registry.nodes.get(cls)
            taken = {each: self._of(spec, each) for each in members}
            for each in members:
                for coordinate in self._coordinates(cls, spec, each):
                    yield coordinate, taken[each]
            if spec is not None:
                for value, grouping in self._registry.stats.groupings(spec):
                    yield f"{spec.name}GroupBy.{value}", taken[grouping.field]
        for mutation in mutations:
            yield f"Mutation.{mutation.name}", Requirement(frozenset({mutation.permission}))

    def _of(self, spec: NodeSpec | None, declared: f.Declared) -> Requirement:
        taken = {spec.read if spec else None, declared.permission}
        if isinstance(declared.source, f.ToOne | f.ToMany | f.ListOf | f.AllOf):
            taken.add(self._registry.target(declared).read)
        name = () if spec is None else (f"{spec.name}.{self._registry.name(declared)}",)
        return Requirement(
            frozenset(each for each in taken if each),
            frozenset(_columns(declared.source)),
            frozenset(name),
        )

    def _coordinates(self, cls: type, spec: NodeSpec | None, declared: f.Declared) -> Iterator[str]:
        """The names under which an operation can ask for a field, or ask by it, but for groups."""
        name = self._registry.name(declared)
        if spec is None:
            roots = {self._registry.query: "Query", self._registry.subscription: "Subscription"}
            if cls in roots:
                yield f"{roots[cls]}.{name}"
            return
        for kind in ("", "Where", "Stats", "Group"):
            yield f"{spec.name}{kind}.{name}"
        for way in ("ASC", "DESC"):
            yield f"{spec.name}OrderBy.{shouted(declared)}_{way}"


def _inputs(kind: Any) -> Iterator[GraphQLInputObjectType]:
    """The input of a mutation, and of a bulk the one of its items."""
    own = get_named_type(kind)
    yield own
    if "items" in own.fields:
        yield get_named_type(own.fields["items"].type)


def _objects(kind: Any) -> Iterator[str]:
    """The types of what a payload holds, and what each row of a bulk's holds."""
    for each in get_named_type(kind).fields.values():
        own = get_named_type(each.type)
        yield own.name
        if own.name.endswith("Result"):
            yield from _objects(own)


def _lacking(
    requirement: Requirement,
    held: frozenset[str],
    hidden: frozenset[str],
    columns: set[Column[Any]],
) -> Iterator[str | None]:
    """The permission that is lacking, or None for a field that is hidden; nothing if it is open."""
    if missing := sorted(requirement.permissions - held):
        yield missing[0]
    elif requirement.names & hidden or requirement.columns & columns:
        yield None


def _columns(source: f.Source) -> Iterator[Column[Any]]:
    """The columns that a field shows something of."""
    for each in _attributes(source):
        yield attribute(each)[1]


def _attributes(source: f.Source) -> Sequence[f.Attribute]:
    match source:
        case f.FromColumn(attribute=own) | f.FromSide(attribute=own) if own is not None:
            return (own,)
        case f.FromMoney():
            return (source.minor, source.currency)
        case f.Computed():
            return source.of
        case f.ToOne(key=key) | f.AnyNode(key=key) if key is not None:
            return (key,)
    return ()


def _by_table(columns: Iterable[Column[Any]]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for each in columns:
        # Identifiers and what counts versions say nothing that a hidden field would tell.
        found.setdefault(each.table.name, set()).update((each.name, *(companions(each) or ())))
    return {table: frozenset(names) for table, names in found.items()}


def _own(rows: FromClause) -> ColumnElement[bool]:
    return _is_mine(rows, scope_of(_table(rows)).owner, "user")


def _of_team(rows: FromClause) -> ColumnElement[bool]:
    """What the team looks after, and what is one's own."""
    return or_(_is_mine(rows, scope_of(_table(rows)).team, "team"), _own(rows))


def _is_mine(rows: FromClause, key: str, value: str) -> ColumnElement[bool]:
    return rows.c[key] == actor_value(value)


def _table(rows: Any) -> Table:
    """The table that an alias stands for."""
    table: Table = rows.element
    return table

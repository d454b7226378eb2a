"""Conditions in JSON: checked as a client's variables are, and asked in somebody's rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type
from graphql.utilities import coerce_input_value, validate_input_value
from sqlalchemy import select

from crmkit.engine.entity import Entity
from crmkit.engine.filters import Filters, beside
from crmkit.store.reach import with_deleted
from crmkit.values.checks import check, fault
from crmkit.values.errors import Failure, Forbidden, Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from graphql import GraphQLError, GraphQLSchema
    from sqlalchemy import Select

    from crmkit.engine.registry import Registry
    from crmkit.host.actors import Actor
    from crmkit.values.errors import Problem


class Conditions:
    """What a `where` of each kind means in one schema."""

    def __init__(self, registry: Registry, schema: GraphQLSchema, *, suggests: bool) -> None:
        self._registry, self._schema, self._suggests = registry, schema, suggests

    def among(
        self, kind: type, where: Any, actor: Actor, ids: Collection[str], *, deleted: bool = False
    ) -> Select[Any]:
        """Those of these records that fulfil a condition, as an actor may ask by it.

        Raises:
            Invalid: It does not fit the kind.
            Forbidden: It names what is not for the actor.
            QueryTooComplex: It asks too much.
        """
        spec = self._registry.nodes.get(kind)
        if spec is None:
            raise Invalid(f"There are no records of the kind {kind.__name__}.", field="where")
        asked: Any = self._schema.get_type(f"{spec.name}Where")
        value = self._coerced(asked, where)
        try:
            actor.rights.check(frozenset(said(asked, where)))
        except Forbidden as refused:
            raise Forbidden(
                refused.message, field="where", params=refused.problems[0].params
            ) from refused
        entity = Entity.of(spec.model)
        try:
            condition = Filters(self._registry).where(spec, entity, value)
        except Failure as failure:
            raise type(failure)(failure.message, field="where") from failure
        rows = beside(entity.table, entity)
        wanted = select(entity.id).select_from(rows).where(entity.id.in_(list(ids)), condition)
        return with_deleted(wanted) if deleted else wanted

    def _coerced(self, asked: GraphQLInputObjectType, where: Any) -> Mapping[str, Any]:
        faults: list[Problem] = []

        def note(error: GraphQLError, path: list[str | int]) -> None:
            faults.append(fault(("where", *path), error.message))

        validate_input_value(where, asked, note, hide_suggestions=not self._suggests)
        check(faults)
        value: Mapping[str, Any] = coerce_input_value(where, asked)
        return value


def said(kind: Any, value: Any) -> Iterator[str]:
    """The coordinates that a value of an input type names."""
    own = get_named_type(kind)
    if isinstance(value, list):
        for each in value:
            yield from said(own, each)
    elif isinstance(own, GraphQLEnumType) and isinstance(value, str):
        yield f"{own.name}.{value}"
    elif isinstance(own, GraphQLInputObjectType) and isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{own.name}.{name}"
            yield from said(own.fields[name].type, inner)

"""The variables of a request, as the schema wants them.

graphql-core looks at each type of each value anew. Here a type is looked at once, and becomes
a function. What that function does not take, graphql-core does again, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
    get_nullable_type,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.utilities.coerce_input_value import coerce_default_value

from crmkit.graph.errors import Wrong

if TYPE_CHECKING:
    from graphql import GraphQLSchema, OperationDefinitionNode

Coerce = Callable[[Any, int], Any]
"""Makes a value that stands so deep what its type says."""

_DEEPEST = 64


@dataclass(frozen=True)
class Declared:
    """A variable of an operation; what a client sends for it is taken as it is, or made its value."""

    name: str
    signature: GraphQLVariableSignature
    as_sent: type | None
    coerce: Coerce
    is_optional: bool


class Variables:
    """Makes the variables of operations over one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._objects: dict[str, Coerce] = {}

    def declared(self, operation: OperationDefinitionNode) -> Sequence[Declared]:
        """What an operation that is valid says of its variables."""
        found = []
        for each in operation.variable_definitions or ():
            signature: Any = get_variable_signature(self._schema, each)
            is_optional = not (each.default_value or isinstance(signature.type, GraphQLNonNull))
            as_sent, coerce = _as_sent(signature.type), self._coerce(signature.type)
            found.append(Declared(signature.name, signature, as_sent, coerce, is_optional))
        return found

    def values(
        self,
        operation: OperationDefinitionNode,
        declared: Sequence[Declared],
        given: Mapping[str, Any],
        *,
        hide_suggestions: bool = False,
    ) -> dict[str, Any]:
        """The values of all variables.

        Raises:
            Wrong: They are not what the operation says.
        """
        coerced = {}
        try:
            for each in declared:
                value = given.get(each.name, Undefined)
                if type(value) is each.as_sent:
                    coerced[each.name] = value
                elif value is not Undefined:
                    coerced[each.name] = each.coerce(value, 0)
                elif not each.is_optional:
                    raise Unfit
        except (Unfit, RecursionError):
            found = get_variable_values(
                self._schema,
                operation.variable_definitions or (),
                {**given},
                hide_suggestions=hide_suggestions,
            )
            if isinstance(found, list):
                raise Wrong(found) from None
            return found.coerced
        return coerced

    def _coerce(self, type_: GraphQLInputType) -> Coerce:
        if not isinstance(type_, GraphQLNonNull):
            return _or_null(self._not_null(type_))
        return self._not_null(type_.of_type)

    def _not_null(self, type_: Any) -> Coerce:
        """What makes values of this type and does not take null."""
        if isinstance(type_, GraphQLList):
            return _list(self._coerce(type_.of_type))
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_)
        if isinstance(type_, GraphQLEnumType):
            return _choice(type_)
        return _leaf(type_.coerce_input_value)

    def _object(self, type_: GraphQLInputObjectType) -> Coerce:
        """An input object, whose fields may be of its own type."""
        made = self._objects.get(type_.name)
        if made is None:
            members: list[Member] = []
            made = self._objects[type_.name] = _object(type_, members)
            members += [
                Member(
                    name,
                    each.out_name or name,
                    _as_sent(each.type),
                    self._coerce(each.type),
                    is_required_input_field(each),
                    _default(each),
                )
                for name, each in type_.fields.items()
            ]
        return made


def with_sources(
    declared: Sequence[Declared], given: Mapping[str, Any], coerced: dict[str, Any]
) -> VariableValues:
    """The values of all variables as graphql-core wants them, which looks where they come from."""
    sources = {
        each.name: VariableValueSource(each.signature, given.get(each.name, Undefined))
        for each in declared
    }
    return VariableValues(sources, coerced)


class Unfit(Exception):
    """A value is not plainly what its type wants."""


class Member(NamedTuple):
    """A field of an input object; what is of the type `as_sent` is taken as it is."""

    name: str
    out_name: str
    as_sent: type | None
    coerce: Coerce
    is_required: bool
    default: Callable[[], Any] | None


_AS_SENT: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool}


def _as_sent(type_: GraphQLInputType) -> type | None:
    """What JSON holds in the place of such a scalar, if that is taken as it is."""
    named = get_nullable_type(type_)
    return _AS_SENT.get(named.name) if isinstance(named, GraphQLScalarType) else None


def _or_null(coerce: Coerce) -> Coerce:
    return lambda value, depth: None if value is None else coerce(value, depth)


def _list(coerce: Coerce) -> Coerce:
    def several(value: Any, depth: int) -> Any:
        if type(value) is not list or depth > _DEEPEST:
            raise Unfit
        return [coerce(each, depth + 1) for each in value]

    return several


def _object(type_: GraphQLInputObjectType, members: Sequence[Member]) -> Coerce:
    names, made_of = type_.fields.keys(), type_.out_type
    is_one_of, is_itself = type_.is_one_of, made_of is GraphQLInputObjectType.out_type

    def whole(value: Any, depth: int) -> Any:
        if type(value) is not dict or depth > _DEEPEST or not value.keys() <= names:
            raise Unfit
        if is_one_of and (len(value) != 1 or None in value.values()):
            raise Unfit
        made = {}
        for name, out_name, as_sent, coerce, is_required, default in members:
            if name in value:
                part = value[name]
                made[out_name] = part if type(part) is as_sent else coerce(part, depth + 1)
            elif is_required:
                raise Unfit
            elif default is not None:
                made[out_name] = default()
        return made if is_itself else made_of(made)

    return whole


def _default(field: Any) -> Callable[[], Any] | None:
    """What makes the default of a field anew for each value, if it has one."""
    return None if coerce_default_value(field) is Undefined else lambda: coerce_default_value(field)


def _choice(type_: GraphQLEnumType) -> Coerce:
    known = {name: type_.coerce_input_value(name) for name in type_.values}

    def choice(value: Any, _: int) -> Any:
        if type(value) is not str or value not in known:
            raise Unfit
        return known[value]

    return choice


def _leaf(coerce: Callable[[Any], Any]) -> Coerce:
    def leaf(value: Any, _: int) -> Any:
        if value is None:
            raise Unfit
        try:
            return coerce(value)
        except Exception as error:  # graphql-core asks once more, and tells of it
            raise Unfit from error

    return leaf

"""Variables become what graphql-core would make of them, with the same errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    parse,
)
from graphql.execution.values import get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.app import load_plugins, schema_of
from crmkit.graph.errors import Wrong
from crmkit.graph.variables import Variables, with_sources
from crmkit.settings import Settings

if TYPE_CHECKING:
    from graphql import OperationDefinitionNode

NAMES = ["CreateCustomersInput", "UpdateCustomerInput", "CustomerWhere", "InteractionWhere"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.text(max_size=5),
)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    settings = Settings()
    return schema_of(load_plugins(settings, []), settings).core


@given(data=st.data())
@settings(max_examples=300)
def test_any_value_becomes_what_graphql_core_makes_of_it(
    schema: GraphQLSchema, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(NAMES))
    operation: Any = parse(f"query ($v: {name}!, $n: Int, $d: Int = 7) {{ __typename }}")
    value = data.draw(values_of(GraphQLNonNull(schema.type_map[name])))
    sent = {"v": value, **data.draw(st.fixed_dictionaries({}, optional={"n": LEAVES, "d": LEAVES}))}
    assert ours(schema, operation.definitions[0], sent) == theirs(
        schema, operation.definitions[0], sent
    )


def test_what_is_nested_too_deeply_is_refused_in_one_sentence(schema: GraphQLSchema) -> None:
    operation: Any = parse("query ($v: CustomerWhere!) { __typename }")
    value: dict[str, Any] = {}
    for _ in range(50_000):
        value = {"not": value}
    assert ours(schema, operation.definitions[0], {"v": value}) == [
        "Variable values are nested too deeply."
    ]


def ours(schema: GraphQLSchema, operation: OperationDefinitionNode, sent: dict[str, Any]) -> Any:
    variables = Variables(schema)
    declared = variables.declared(operation)
    try:
        coerced = variables.values(operation, declared, sent)
    except Wrong as wrong:
        return told(wrong.errors)
    return told(with_sources(declared, sent, coerced))


def theirs(schema: GraphQLSchema, operation: OperationDefinitionNode, sent: dict[str, Any]) -> Any:
    return told(get_variable_values(schema, operation.variable_definitions or (), sent))


def told(found: Any) -> Any:
    if isinstance(found, list):
        return [each.message for each in found]
    return found.coerced, {name: each.value for name, each in found.sources.items()}


def values_of(type_: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Mostly what the type wants; now and then something else."""
    if isinstance(type_, GraphQLNonNull):
        return st.one_of(values_of(type_.of_type, depth), st.none()) if depth else fitting(type_, 0)
    return st.one_of(fitting(type_, depth), st.none(), LEAVES)


def fitting(type_: Any, depth: int) -> st.SearchStrategy[Any]:
    if isinstance(type_, GraphQLNonNull):
        return fitting(type_.of_type, depth)
    if isinstance(type_, GraphQLList):
        return st.lists(values_of(type_.of_type, depth + 1), max_size=2)
    if isinstance(type_, GraphQLEnumType):
        return st.sampled_from(sorted(type_.values))
    if not isinstance(type_, GraphQLInputObjectType) or depth > 4:
        return LEAVES
    needed = {n: each for n, each in type_.fields.items() if isinstance(each.type, GraphQLNonNull)}
    others = sorted(type_.fields.keys() - needed.keys())
    return st.sets(st.sampled_from(others or ["unknown"]), max_size=3).flatmap(
        lambda chosen: st.fixed_dictionaries(
            {
                name: values_of(type_.fields[name].type, depth + 1)
                for name in [*needed, *sorted(chosen)]
                if name in type_.fields
            },
            optional={"unknown": LEAVES} if depth > 2 else {},
        )
    )

"""graphql-core's own executor over rows: a schema made from its text, plain resolvers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    OperationType,
    build_schema,
    execute_sync,
    get_named_type,
)

from crmkit.values.errors import ErrorCode
from tests.oracle.meaning import Meaning
from tests.oracle.pages import Mark, Page, Wrong
from tests.oracle.summing import stats
from tests.oracle.world import Row, Unreadable

_SCALARS: dict[str, tuple[Any, Any]] = {
    "BigInt": (str, int),
    "Decimal": (lambda value: format(value, "f"), lambda given: Decimal(str(given))),
    "DateTime": (
        lambda value: f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        datetime.fromisoformat,
    ),
    "Date": (date.isoformat, date.fromisoformat),
    "CurrencyCode": (str, str),
    "JSON": (lambda value: value, lambda given: given),
}


def schema_of(sdl: str) -> GraphQLSchema:
    """A schema that owes its text to the engine and nothing else."""
    schema = build_schema(sdl)
    for name, (write, read) in _SCALARS.items():
        scalar = schema.get_type(name)
        assert isinstance(scalar, GraphQLScalarType)
        scalar.coerce_output_value = write
        scalar.coerce_input_value = read
        scalar.coerce_input_literal = lambda node, _=None, read=read: read(node.value)
    string = schema.get_type("String")
    assert isinstance(string, GraphQLScalarType)
    usual = string.coerce_output_value
    # Cursors stay marks until an engine says how it writes them.
    string.coerce_output_value = lambda value: value if isinstance(value, Mark) else usual(value)
    return schema


class Oracle:
    """Answers operations as they mean, however slowly."""

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self.records = 0
        """How often a field of a record was asked for in the last answer."""
        self.payload: Mapping[str, Any] = {}
        """What the mutation that is asked for has made."""

    def answer(self, document: DocumentNode, variables: Mapping[str, Any]) -> ExecutionResult:
        self.records = self.meaning.contributed = 0
        return execute_sync(
            self.meaning.schema,
            document,
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda row, *_: self.meaning.type_of(row),
        )

    def _resolve(self, parent: Any, info: GraphQLResolveInfo, /, **given: Any) -> Any:
        if parent is None:
            return self._root(info, given)
        if isinstance(parent, Row):
            self.records += 1
            return _plain(self.meaning.resolved(parent, info.field_name, given))
        if isinstance(parent, Page):
            return getattr(parent, info.field_name)
        return _plain(parent[info.field_name])

    def _root(self, info: GraphQLResolveInfo, given: Mapping[str, Any]) -> Any:
        match info.field_name:
            case "node":
                return self.meaning.any(given["id"])
            case "nodes":
                return [self.meaning.any(each) for each in given["ids"]]
        if info.operation.operation is OperationType.MUTATION:
            return self.payload
        target = get_named_type(info.return_type).name
        if target.endswith("Stats"):
            found = stats(self.meaning, target.removesuffix("Stats"), given)
            self.records += found["count"]
            return found
        kind = target.removesuffix("Connection")
        return self.meaning.listed(kind, given)


def _plain(value: Any) -> Any:
    """What a schema made from text takes for a member of an enum: its name."""
    if isinstance(value, Unreadable):
        raise Wrong(ErrorCode.INTERNAL)
    return value.name if isinstance(value, Enum) else value


def failures(result: ExecutionResult) -> set[tuple[Any, ...]]:
    """Where something failed, and why.

    Raises:
        Exception: The oracle itself is broken.
    """
    return {(tuple(error.path or ()), _code(error)) for error in result.errors or ()}


def _code(error: GraphQLError) -> str:
    """A null where none may be, and what is out of an Int's range, are nobody's to know."""
    match error.original_error:
        case Wrong(code=code):
            return str(code)
        case GraphQLError():
            return ErrorCode.INTERNAL.value
        case TypeError() as found if str(found).startswith("Cannot return null"):
            return ErrorCode.INTERNAL.value
    raise error.original_error or error

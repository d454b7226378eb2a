"""What is asked about the schema itself: answered once by graphql-core, and only so much of it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)

from crmkit.values.errors import QueryTooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import (
        FieldNode,
        GraphQLResolveInfo,
        GraphQLSchema,
        VariableDefinitionNode,
    )

    from crmkit.graph.documents import Operation

    Key = tuple[str | bool | None, ...]

KEPT = 200_000
"""Fields and characters of all answers that are kept; one takes some hundred bytes."""

_TAKEN = frozenset({"String", "Boolean"})
"""The types of what the schema's own fields take, and directives."""


class Introspection:
    """The answers about one schema that were asked for last.

    Args:
        schema: What is asked about.
        most: Fields that are answered to one operation. That lists of types cannot be nested
            deeply, as graphql-core sees to, leaves thirty aliases for the whole of it.
    """

    def __init__(self, schema: GraphQLSchema, most: int) -> None:
        self.answered = 0
        """Fields that graphql-core has answered."""
        self._schema, self._most = schema, most
        self._kept: OrderedDict[Key, tuple[dict[str, Any], int]] = OrderedDict()
        self._weight = 0
        # All of a schema takes a tenth of a second, in which the loop would answer nobody.
        self._thread = ThreadPoolExecutor(1, "introspection")

    async def answer(
        self,
        operation: Operation,
        fields: Sequence[FieldNode],
        variables: Mapping[str, Any],
    ) -> ExecutionResult:
        """The values of these root fields.

        Raises:
            QueryTooComplex: They ask for too much.
        """
        node = operation.node
        taken = [each for each in node.variable_definitions or () if _is_taken(each)]
        names = [each.variable.name.value for each in taken]
        given = {name: variables[name] for name in names if name in variables}
        key = (operation.text, operation.name, *(part for each in given.items() for part in each))
        asked = _of_the_schema_alone(operation.parsed, taken, fields)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._answer, key, asked, given)

    def _answer(
        self, key: Key, document: DocumentNode, variables: dict[str, Any]
    ) -> ExecutionResult:
        """The answer that is kept, or a new one; the one thread does it for one after the other."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return ExecutionResult(self._kept[key][0])
        result, answered = self._run(document, variables)
        self.answered += answered
        if result.data is not None and not result.errors:
            self._keep(key, result.data, answered + _characters(key))
        return result

    def _run(
        self, document: DocumentNode, variables: dict[str, Any]
    ) -> tuple[ExecutionResult, int]:
        count = _Count(self._most)
        try:
            result = execute_sync(
                self._schema, document, variable_values=variables, middleware=[count]
            )
        except _Enough:
            raise QueryTooComplex(
                f"The operation asks for more than {self._most:,} fields of the schema itself."
            ) from None
        return result, count.fields

    def _keep(self, key: Key, data: dict[str, Any], weight: int) -> None:
        self._kept[key] = data, weight
        self._weight += weight
        while self._weight > KEPT:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._weight -= oldest


class _Enough(BaseException):
    """Ends an execution: of an exception, graphql-core makes null, and goes on."""


class _Count:
    """Counts the fields of one execution, and ends it."""

    def __init__(self, most: int) -> None:
        self.fields = 0
        self._most = most

    def resolve(
        self,
        resolve: Callable[..., Any],
        parent: Any,
        info: GraphQLResolveInfo[Any],
        **arguments: Any,
    ) -> Any:
        self.fields += 1
        if self.fields > self._most:
            raise _Enough
        return resolve(parent, info, **arguments)


def _is_taken(definition: VariableDefinitionNode) -> bool:
    kind = definition.type
    if isinstance(kind, NonNullTypeNode):
        kind = kind.type
    return isinstance(kind, NamedTypeNode) and kind.name.value in _TAKEN


def _characters(key: Sequence[str | bool | None]) -> int:
    return sum(len(each) for each in key if isinstance(each, str))


def _of_the_schema_alone(
    document: DocumentNode, taken: Sequence[VariableDefinitionNode], fields: Sequence[FieldNode]
) -> DocumentNode:
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY,
        variable_definitions=tuple(taken),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(fields)),
    )
    rest = [each for each in document.definitions if not isinstance(each, OperationDefinitionNode)]
    return DocumentNode(definitions=(operation, *rest))

"""One schema from many rooms, and the execution of its operations by plans."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.tools import create_type
from strawberry.types.base import StrawberryObjectDefinition

from crmkit.engine import builder as b
from crmkit.engine.executor import Executor
from crmkit.engine.mutation_fields import MutationField, mutation_fields
from crmkit.engine.pagination import Cursors
from crmkit.engine.planner import Plan, Planner
from crmkit.engine.registry import Parts, Registry
from crmkit.engine.renames import Renames
from crmkit.engine.selection import Selections
from crmkit.values.errors import Failure, SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Select
    from strawberry.types.field import StrawberryField

    from crmkit.host.context import Actor
    from crmkit.host.host import Host
    from crmkit.settings import Settings

DOCUMENTS = 1000


class StrawberrySchema(strawberry.Schema):
    """Strawberry's schema with the fields that the registry gives each type."""

    def __init__(self, registry: Registry, mutations: Sequence[MutationField]) -> None:
        self.registry = registry
        fields = [each.field for each in mutations]
        mutation = (
            create_type("Mutation", fields, description="What can be changed.") if fields else None
        )
        super().__init__(
            registry.query, mutation, types=list(registry.nodes), config=registry.config
        )

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        found = self.registry.members.get(type_definition.origin, type_definition.fields)
        return cast("list[StrawberryField]", found)

    def get_field_for_type(self, field_name: str, type_name: str) -> StrawberryField | None:
        definition = self.get_type_by_name(type_name)
        if not isinstance(definition, StrawberryObjectDefinition):
            return None
        named = (
            each for each in self.get_fields(definition) if self.registry.name(each) == field_name
        )
        return next(named, None)

    @property
    def core(self) -> GraphQLSchema:
        return self._schema


class Schema:
    """What one app answers: its types, and how operations on them run."""

    def __init__(
        self,
        parts: Parts,
        settings: Settings,
        *,
        words: Mapping[str, Sequence[str]],
        permissions: Mapping[str, str],
        renames: Mapping[str, Mapping[str, str]],
    ) -> None:
        renamed = Renames(renames)
        self.registry = Registry(parts, words=words, permissions=permissions, renames=renamed)
        self.mutations = _mutations(self.registry, parts, permissions)
        renamed.check()
        self.strawberry = StrawberrySchema(self.registry, list(self.mutations.values()))
        self.core = self.strawberry.core
        self.cursors = Cursors(settings.secret.get_secret_value())
        self.prepared = lru_cache(DOCUMENTS)(self._prepare)

    def sdl(self) -> str:
        """The schema in GraphQL's own language."""
        return self.strawberry.as_str()

    async def execute(
        self,
        *,
        document: str,
        operation: str | None,
        variables: Mapping[str, Any] | None,
        host: Host,
        actor: Actor,
        request_id: str,
    ) -> dict[str, Any]:
        """Runs one operation: `data` unless nothing ran, and `errors` if there are any."""
        try:
            parsed = self.prepared(document)
        except GraphQLError as error:
            return {"errors": [error]}
        if isinstance(parsed, list):
            return {"errors": parsed}
        chosen = _chosen(parsed, operation)
        if isinstance(chosen, GraphQLError):
            return {"errors": [chosen]}
        values = get_variable_values(
            self.core, chosen.variable_definitions or (), dict(variables or {})
        )
        if isinstance(values, list):
            return {"errors": values}
        run = _Run(self, parsed, chosen, values, host, actor, request_id)
        return await run.answer()

    def _prepare(self, document: str) -> DocumentNode | list[GraphQLError]:
        parsed = parse(document)
        return validate(self.core, parsed) or parsed


class _Run:
    """One operation of one request."""

    def __init__(
        self,
        schema: Schema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        values: VariableValues,
        host: Host,
        actor: Actor,
        request_id: str,
    ) -> None:
        self.schema, self.document, self.operation = schema, document, operation
        self.values, self.host, self.actor, self.request_id = values, host, actor, request_id
        self.selections = Selections(schema.core, document, operation, values)
        self.answers = b.Answers()
        self.planner = Planner(
            schema.registry,
            schema.core,
            self.selections,
            schema.cursors,
            {"organisation": host.settings.organisation, "clock": host.clock},
            host.reach_of(actor).refused,
        )
        self.executor = Executor(
            host.database.name, self, lambda plugin: host.context(plugin, actor)
        )

    async def read(self, statement: Select[Any]) -> Sequence[tuple[Any, ...]]:
        """Reads as far as this request's actor reaches."""
        return await self.host.database.fetch(statement, self.host.reach_of(self.actor))

    async def answer(self) -> dict[str, Any]:
        match self.operation.operation:
            case OperationType.QUERY:
                data = await self._query()
            case OperationType.MUTATION:
                data = await self._mutation()
            case _:
                return {
                    "errors": [GraphQLError("Subscriptions are not served here.", self.operation)]
                }
        answer: dict[str, Any] = {"data": data}
        if self.answers.errors:
            answer["errors"] = self.answers.errors
        return answer

    async def _query(self) -> dict[str, Any] | None:
        """Runs the steps of all root fields, then makes their values in one go."""
        query = cast("GraphQLObjectType", self.schema.core.query_type)
        whole = Plan()
        introspected: dict[str, Any] = {}
        selected = self.selections.of(query, [self.operation])
        for key, nodes in selected.items():
            if nodes[0].name.value in ("__schema", "__type"):
                introspected |= self._introspect(nodes)
                continue
            plan = self._planned(key, query, nodes)
            whole.below += plan.below
            whole.slots += plan.slots
        data = await self.executor.run(whole, self.answers)
        if data is None:
            return None
        return {key: introspected.get(key, data.get(key)) for key in selected}

    async def _mutation(self) -> dict[str, Any]:
        """Runs the root fields one after the other; one that fails stops no other."""
        mutation = cast("GraphQLObjectType", self.schema.core.mutation_type)
        data: dict[str, Any] = {}
        for key, nodes in self.selections.of(mutation, [self.operation]).items():
            data[key] = await self._mutated(key, mutation, nodes)
        return data

    async def _mutated(
        self, key: str, mutation: GraphQLObjectType, nodes: Sequence[FieldNode]
    ) -> Any:
        name = nodes[0].name.value
        if name == "__typename":
            return mutation.name
        try:
            arguments = self.selections.arguments(mutation, nodes[0])
            payload = await self.schema.mutations[name].run(
                self.host, self.actor, self.request_id, arguments["input"]
            )
        except Exception as error:  # noqa: BLE001  a failed root field is null with an error
            self._report(error, key, nodes)
            return None
        done = await self.executor.run(self.planner.payload(key, nodes, payload), self.answers)
        return None if done is None else done[key]

    def _planned(self, key: str, query: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Plan:
        try:
            return self.planner.root(key, nodes)
        except (Failure, GraphQLError) as error:
            return Plan(slots=[self.planner.slot(key, query, nodes, b.Failing(error))])

    def _introspect(self, nodes: Sequence[FieldNode]) -> dict[str, Any]:
        """Answers what is asked about the schema itself with graphql-core."""
        selected = SelectionSetNode(selections=tuple(nodes))
        operation = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=self.operation.variable_definitions,
            directives=(),
            selection_set=selected,
        )
        rest = [
            each
            for each in self.document.definitions
            if not isinstance(each, OperationDefinitionNode)
        ]
        document = DocumentNode(definitions=(operation, *rest))
        result = execute_sync(self.schema.core, document, variable_values=dict(self.values.coerced))
        self.answers.errors.extend(result.errors or ())
        return result.data or {}

    def _report(self, error: Exception, key: str, nodes: Sequence[FieldNode]) -> None:
        self.answers.errors.append(b.located(error, nodes, (key,)))


def _mutations(
    registry: Registry, parts: Parts, permissions: Mapping[str, str]
) -> dict[str, MutationField]:
    found: dict[str, MutationField] = {}
    nodes = {spec.name: cls for cls, spec in registry.nodes.items()}
    for declared in mutation_fields(parts, nodes):
        each = _renamed(declared, registry.renames)
        if (other := found.get(each.name)) is not None:
            raise SetupError(
                f"The mutation {each.name} is declared by the plugins {other.plugin} and {each.plugin}; "
                f"rename one of them, or say another name under [plugins.{each.plugin}.rename]."
            )
        if each.permission not in permissions:
            raise SetupError(
                f"The mutation {each.name} of the plugin {each.plugin} takes the permission "
                f"{each.permission!r}, which nobody registers; add it in register_permissions."
            )
        found[each.name] = each
    return found


def _renamed(declared: MutationField, renames: Renames) -> MutationField:
    name = renames.of(declared.plugin, "Mutation", declared.name)
    if name is None:
        return declared
    declared.field.python_name = declared.field.graphql_name = name
    return replace(declared, name=name)


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode | GraphQLError:
    operations = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    if name is not None:
        operations = [each for each in operations if each.name and each.name.value == name]
    if len(operations) == 1:
        return operations[0]
    if not operations:
        return GraphQLError(
            "There is no such operation in the document." if name else "There is no operation."
        )
    return GraphQLError("The document has several operations; say operationName.")

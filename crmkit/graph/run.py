"""Runs one operation of one request, by a plan that was made before where there is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, cast

from graphql import FieldNode, GraphQLError, GraphQLObjectType
from graphql.execution.values import VariableValues

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine import live_plans
from crmkit.engine.executor import Executor, told_at_once
from crmkit.engine.late import Planning, Request, Unbound, shape_of
from crmkit.engine.plan import Plan
from crmkit.engine.planner import Planner
from crmkit.engine.selection import Selections
from crmkit.engine.steps import KEYS
from crmkit.graph.cost import Costs
from crmkit.graph.documents import Root
from crmkit.graph.errors import Wrong, formatted
from crmkit.graph.variables import with_sources
from crmkit.store.drivers import late
from crmkit.store.statements import Template, template
from crmkit.values.errors import Failure

if TYPE_CHECKING:
    from sqlalchemy import Select

    from crmkit.engine.live import Occasion
    from crmkit.engine.plans import Plans
    from crmkit.graph.documents import Wanted
    from crmkit.graph.observers import Note
    from crmkit.graph.schema import Schema
    from crmkit.host.actors import Actor
    from crmkit.host.context import Context
    from crmkit.host.host import Host
    from crmkit.store.reach import Deferred

Make = Callable[[Planner], Plan]
T = TypeVar("T")

_LIVE = "Ask for a subscription over graphql-transport-ws, or accept text/event-stream first."


class Run:
    """One operation of one request."""

    def __init__(
        self,
        schema: Schema,
        wanted: Wanted,
        variables: dict[str, Any],
        host: Host,
        actor: Actor,
        note: Note,
        plans: Plans | None,
    ) -> None:
        self.schema, self.wanted, self.variables = schema, wanted, variables
        self.operation = wanted.operation
        self.host, self.actor, self.note, self.plans = host, actor, note, plans
        self.reach = actor.reach
        self.errors: list[GraphQLError] = []
        most = host.settings.graphql.limits.cost
        note.charge(actor, self.operation.check_cost(variables, self._cost, most))

    async def answer(self) -> dict[str, Any]:
        """The answer to a query or a mutation.

        Raises:
            Wrong: It is neither.
        """
        has_replica = self.host.database.has_replica
        if self.operation.kind == "query":
            data = await (self._asked() if has_replica else self._query())
        elif self.operation.kind == "mutation":
            data = {}
            # One root field after the other; one that fails stops no other.
            for root in self.operation.roots or self._roots():
                data[root.key] = await self._mutated(root)
            if has_replica:
                self.host.recent.wrote(self.actor.id)
        else:
            raise Wrong([GraphQLError(_LIVE, self.operation.node)])
        if self.errors:
            # Errors first: a reader of the raw answer should not miss them.
            return {"errors": formatted(self.errors, self.note.request_id), "data": data}
        return {"data": data}

    @cached_property
    def selections(self) -> Selections:
        """What is selected, for whoever plans it."""
        assert self.operation.declared is not None  # noqa: S101  its variables have been read
        given = self.wanted.variables
        return self._selections(with_sources(self.operation.declared, given, self.variables))

    def _cost(self) -> int:
        return Costs(self.schema.registry, self.selections).total()

    def _executor(self) -> Executor:
        # It is not kept: a circle of each request would be left to the garbage collector.
        return Executor(self.host.database.name, self, self._context)

    def _context(self, plugin: str) -> Context[Any]:
        return self.host.context(plugin, self.actor, answers=True)

    # -- what the executor asks -----------------------------------------------------------

    def template(self, statement: Select[Any]) -> Template:
        """Compiles a statement that reads as far as this request's actor reaches."""
        return template(statement, self.host.database.dialect, self.reach)

    def rows(self, sql: str, arguments: Sequence[Any]) -> Awaitable[Sequence[Sequence[Any]]]:
        return self._timed(self.host.database.rows(sql, arguments))

    def found(
        self, made: Template, keys: Sequence[str], told: Callable[[Deferred], Any]
    ) -> Awaitable[Sequence[Sequence[Any]]]:
        return self._timed(self.host.database.found(made, KEYS, keys, told))

    def _timed(self, reading: Awaitable[T]) -> Awaitable[T]:
        """What is read, and how long that takes where somebody wants to hear of it."""
        return reading if self.note.calls is None else self._noted(reading)

    async def _noted(self, reading: Awaitable[T]) -> T:
        began = perf_counter()
        rows = await reading
        self.note.took("crmkit", "read", began, perf_counter() - began)
        return rows

    # -- queries and mutations ------------------------------------------------------------

    async def _asked(self) -> dict[str, Any] | None:
        """What a query asks for, which whoever has not just written may be told late."""
        has_written = self.note.has_written or self.actor.id in self.host.recent
        with late(may_be=not has_written):
            return await self._query()

    async def _query(self) -> dict[str, Any] | None:
        """Runs the steps of all root fields, then makes their values in one go."""
        request = Request(self.variables, self.reach)
        plan = self._plan("", self._whole, request, self._alone)
        if not plan.introspected:
            return await self._run(plan, self._whole, request)
        introspected = await self._introspected(plan.introspected)
        data = await self._run(plan, self._whole, request)
        if data is None:
            return None
        return {key: introspected.get(key, data.get(key)) for key in plan.keys}

    def _roots(self) -> Sequence[Root]:
        selected = self.selections.of(self._mutation_type, [self.operation.node])
        found = [Root.of(key, nodes) for key, nodes in selected.items()]
        if self.operation.is_fixed:
            self.operation.roots = found
        return found

    async def _mutated(self, root: Root) -> Any:
        if root.name == "__typename":
            return self._mutation_type.name
        # What the mutation was given decides nothing of how its payload is read.
        below = self.operation.below
        variables = {name: self.variables[name] for name in below if name in self.variables}
        request = Request(variables, self.reach)
        make: Make = lambda planner: planner.payload(root.key, root.nodes)  # noqa: E731
        try:
            given = self.variables.get(root.variable) if root.variable else None
            if given is None:
                given = self.selections.arguments(self._mutation_type, root.nodes[0])["input"]
            # First, because what cannot be planned shall not have been done.
            plan = self._plan(root.key, make, request, self._whether)
            await self.host.cohort.stage()
            request.payload, request.added = await self.schema.mutations[root.name].run(
                self.host, self.actor, self.note.request_id, given
            )
        except Exception as error:  # noqa: BLE001  a failed root field is null with an error
            self.errors.append(b.located(error, root.nodes, (root.key,)))
            return None
        done = told_at_once(plan, request) or await self._run(plan, make, request)
        return None if done is None else done[root.key]

    @property
    def _mutation_type(self) -> GraphQLObjectType:
        return cast("GraphQLObjectType", self.schema.core.mutation_type)

    # -- subscriptions ----------------------------------------------------------------------

    def told_of(self) -> tuple[f.LiveOf, bool]:
        """What a subscription is about, and whether functions of Python help to tell it.

        Raises:
            GraphQLError: Its directives leave nothing of it.
            Failure: It cannot be planned.
        """
        _, nodes = self._told()
        root = self.schema.registry.subscription
        assert root is not None  # noqa: S101  the document is valid
        source = self.schema.registry.field(root, nodes[0].name.value).source
        assert isinstance(source, f.LiveOf)  # noqa: S101  all its fields are
        plan = self._whether(self._telling(is_gone=False))
        return source, any(each.batches for each in plan.steps())

    async def tell(self, occasion: Occasion) -> dict[str, Any] | None:
        """The data of an answer about an event; None where nothing of it is for this actor."""
        request = Request(self.variables, self.reach, occasion)
        make = self._telling(is_gone=occasion.is_gone)
        part = "gone" if occasion.is_gone else ""
        plan = self._plan(part, make, request, self._whether)
        answers = b.Answers(request)
        data = await self._executor().run(plan, answers)
        self.errors += answers.errors
        return data if answers.rows.get(plan.below[0].step) else None

    def _told(self) -> tuple[str, Sequence[FieldNode]]:
        """The one field that a subscription has."""
        kind = cast("GraphQLObjectType", self.schema.core.subscription_type)
        found = self.selections.of(kind, [self.operation.node])
        if not found:
            raise GraphQLError("Nothing is left to subscribe to.", self.operation.node)
        return next(iter(found.items()))

    def _telling(self, *, is_gone: bool) -> Make:
        key, nodes = self._told()
        return lambda planner: live_plans.planned(planner, key, nodes, gone=is_gone)

    # -- plans ------------------------------------------------------------------------------

    def _plan(self, part: str, make: Make, request: Request, alone: Callable[[Make], Plan]) -> Plan:
        """A plan that serves this request: made before, made now for all like it, or for it alone."""
        if self.plans is None:
            return alone(make)
        operation = self.operation
        shape = shape_of(request.variables) if request.variables else None
        key = (operation.text, operation.name, part, shape, self.reach.shape)
        if (plan := self.plans.find(key, request)) is not None:
            self.note.plan = self.note.plan or "hit"
            return plan
        self.note.plan = "made"
        planning = Planning(request)
        values = VariableValues(cast("Any", _Hidden()), planning.variables())
        try:
            plan = make(self._planner(self._selections(values)))
        except (Failure, GraphQLError, Unbound):
            # Planned alone, it says what is wrong where it is wrong.
            self.plans.alone += 1
            return alone(make)
        self.plans.keep(key, planning.end(), plan)
        return plan

    async def _run(self, plan: Plan, make: Make, request: Request) -> dict[str, Any] | None:
        answers = b.Answers(request)
        try:
            data = await self._executor().run(plan, answers)
        except Unbound:
            answers = b.Answers(request)
            data = await self._executor().run(self._alone(make), answers)
        self.errors += answers.errors
        return data

    def _alone(self, make: Make) -> Plan:
        """A plan in which what cannot be planned fails by itself."""
        return make(self._planner(self.selections, alone=True))

    def _whether(self, make: Make) -> Plan:
        """A plan of which all can be planned, or the failure that says what cannot."""
        return make(self._planner(self.selections))

    def _whole(self, planner: Planner) -> Plan:
        """The plan of all root fields."""
        query = cast("GraphQLObjectType", self.schema.core.query_type)
        whole = Plan()
        for key, nodes in planner.selections.of(query, [self.operation.node]).items():
            whole.keys.append(key)
            if nodes[0].name.value in ("__schema", "__type"):
                whole.introspected += nodes
                continue
            plan = planner.root(key, nodes)
            whole.below += plan.below
            whole.calls += plan.calls
            whole.slots += plan.slots
        return whole

    def _selections(self, values: VariableValues) -> Selections:
        operation = self.operation
        return Selections(self.schema.core, operation.parsed, operation.node, values)

    def _planner(self, selections: Selections, *, alone: bool = False) -> Planner:
        known = {"organisation": self.host.settings.organisation, "clock": self.host.clock}
        return Planner(
            self.schema.registry,
            self.schema.core,
            selections,
            self.schema.cursors,
            known,
            self.reach,
            alone=alone,
        )

    async def _introspected(self, fields: Sequence[FieldNode]) -> dict[str, Any]:
        """What is asked about the schema itself, which has no plan."""
        operation, schema = self.operation, self.schema.introspection
        answer = await schema.answer(operation, fields, self.variables)
        self.errors += answer.errors or ()
        return answer.data or {}


class _Hidden(Mapping[str, Any]):
    """The variables as they were sent: literals of scalars would take them into a plan."""

    def __getitem__(self, name: str) -> Any:
        raise Unbound

    def __contains__(self, name: object) -> bool:
        raise Unbound

    def __iter__(self) -> Any:
        raise Unbound

    def __len__(self) -> int:
        raise Unbound

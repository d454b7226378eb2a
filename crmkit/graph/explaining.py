"""`crmkit schema explain`: an operation's plan in words, without running it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, OperationType

from crmkit.engine.explain import Explanation, explained
from crmkit.engine.plan import Plan
from crmkit.engine.planner import Planner
from crmkit.engine.selection import Selections
from crmkit.graph.coordinates import named
from crmkit.graph.documents import Documents
from crmkit.graph.errors import Wrong
from crmkit.graph.variables import with_sources
from crmkit.store.reach import Reach
from crmkit.store.statements import template
from crmkit.values.clock import SystemClock
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Dialect

    from crmkit.graph.schema import Schema
    from crmkit.settings import Settings


def explain(
    schema: Schema,
    settings: Settings,
    dialect: Dialect,
    document: str,
    variables: Mapping[str, Any],
) -> Explanation:
    """Plans an operation as for somebody who reaches everything that is not deleted.

    Raises:
        Invalid: It is no operation of this schema, or its variables do not fit.
        Failure: Its arguments cannot be planned.
    """
    selections = _selections(schema, settings, document, variables)
    known = {"organisation": settings.organisation, "clock": SystemClock()}
    planner = Planner(schema.registry, schema.core, selections, schema.cursors, known)
    sql = partial(template, dialect=dialect, reach=Reach())
    return explained(_whole(planner), schema.registry, dialect.name, sql)


def coordinates(
    schema: Schema, settings: Settings, document: str, variables: Mapping[str, Any]
) -> Collection[str]:
    """All that an operation names, whatever directives leave out.

    Raises:
        Invalid: It is no operation of this schema, or its variables do not fit.
    """
    found = _selections(schema, settings, document, variables)
    kinds = schema.requirements.kinds
    return named(schema.core, found.document, found.operation, kinds).together(variables)


def _selections(
    schema: Schema, settings: Settings, document: str, variables: Mapping[str, Any]
) -> Selections:
    try:
        parsed = Documents(schema.core, settings.graphql.limits)(document)
        operation = parsed.operation(None).node
        declared = schema.variables.declared(operation)
        coerced = schema.variables.values(operation, declared, variables)
    except GraphQLError as error:
        raise Invalid(error.message) from error
    except Wrong as wrong:
        raise Invalid(" ".join(each.message for each in wrong.errors)) from wrong
    values = with_sources(declared, variables, coerced)
    return Selections(schema.core, parsed.parsed, operation, values)


def _whole(planner: Planner) -> Plan:
    """The plans of all root fields; of a mutation, those that read its payloads."""
    operation = planner.selections.operation
    root = planner.schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101  the document is valid
    plan = planner.payload if operation.operation is OperationType.MUTATION else planner.root
    whole = Plan()
    for key, nodes in planner.selections.of(root, [operation]).items():
        if not nodes[0].name.value.startswith("__"):
            made = plan(key, nodes)
            whole.below += made.below
            whole.calls += made.calls
            whole.slots += made.slots
    return whole

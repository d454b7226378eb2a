"""What the engine answers is what graphql-core answers over all rows in memory.

`CRMKIT_SOAK=1` asks ten thousand operations instead of some dozens, and others each time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from graphql import GraphQLEnumType, get_named_type
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crmkit.engine.fields import Called, Expression
from tests.oracle.comparing import Trio
from tests.oracle.operations import Operation, operations
from tests.oracle.twins import TWINS

SOAK = bool(os.environ.get("CRMKIT_SOAK"))
OPERATIONS = 10_000 if SOAK else 240 if os.environ.get("CRMKIT_MUTANT") else 40
# Of a mutant nobody wants to see the smallest operation that notices it.
PHASES = [Phase.generate, *([] if os.environ.get("CRMKIT_MUTANT") else [Phase.shrink])]

# Once answered wrongly.
FOUND = (
    # A rating that nobody has given stands beside its solution as nothing at all.
    """query ($c: String) { ticketSolves(first: 2, orderBy: [SCORE_ASC], after: $c) {
      nodes { score } c: pageInfo { endCursor hasNextPage } } }""",
    """query ($c: String) { ticketSolves(last: 2, orderBy: [RATED_AT_DESC], before: $c) {
      nodes { score ratedAt } c: pageInfo { startCursor } } }""",
    # Amounts beside isNull went to the drivers as they came.
    """{ orders(where: {total: {currency: "EUR", lt: "1.00", isNull: true}}) { totalCount } }""",
    """{ orders(where: {not: {total: {currency: "EUR", ne: "1.00", isNull: true}}}) {
      totalCount } }""",
)


@pytest.fixture(scope="module")
def trio() -> Iterator[Trio]:
    with asyncio.Runner() as runner:
        opened = Trio.open(runner)
        yield opened
        opened.close()


def test_every_function_of_a_plugin_has_its_twin(trio: Trio) -> None:
    registry = trio.oracle.meaning.registry
    declared = {
        (spec.name, registry.name(each))
        for spec in registry.nodes.values()
        for each in registry.members[spec.cls]
        if isinstance(each.source, Called | Expression)
    }
    assert declared == set(TWINS)


@pytest.mark.parametrize("document", FOUND)
def test_what_was_wrong_once_is_right(trio: Trio, document: str) -> None:
    trio.check(Operation(document, {}, ("c",)))


def test_every_order_goes_on_after_a_cursor(trio: Trio) -> None:
    """Rising from the start and falling from the end."""
    query = trio.oracle.meaning.schema.query_type
    assert query is not None
    for name, field in query.fields.items():
        if "orderBy" not in field.args:
            continue
        orders = get_named_type(field.args["orderBy"].type)
        assert isinstance(orders, GraphQLEnumType)
        for order in orders.values:
            rising = order.endswith("_ASC")
            size, way, end = ("first", "after", "end") if rising else ("last", "before", "start")
            document = f"""query ($c: String) {{
              {name}({size}: 9, orderBy: [{order}], {way}: $c) {{
                nodes {{ id }} c: pageInfo {{ {end}Cursor hasNextPage }} }} }}"""
            trio.check(Operation(document, {}, ("c",)))


def test_every_kind_of_entry_can_be_asked_alone(trio: Trio) -> None:
    kinds = trio.oracle.meaning.schema.get_type("TimelineKind")
    assert isinstance(kinds, GraphQLEnumType)
    asked = " ".join(
        f"{kind}: timeline(kinds: [{kind}], first: 2) {{ totalCount nodes {{ id summary }} }}"
        for kind in kinds.values
    )
    trio.check(Operation(f"{{ customers(first: 9) {{ nodes {{ {asked} }} }} }}", {}, ()))


def test_both_engines_answer_as_the_oracle_does(
    trio: Trio, capsys: pytest.CaptureFixture[str]
) -> None:
    @settings(
        max_examples=OPERATIONS,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        print_blob=SOAK,
        report_multiple_bugs=False,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation=operations(trio.values), pick=st.integers(0, 5))
    def ask(operation: Operation, pick: int) -> None:
        trio.check(operation, pick)

    trio.counts.clear()
    ask()
    asked, found, special = (trio.counts[each] for each in ("asked", "found", "special"))
    with capsys.disabled():
        print(f"\n{asked} operations, {found / asked:.0%} find records,", end=" ")  # noqa: T201
        print(f"{special / asked:.0%} ask for what plugins add or for a second page")  # noqa: T201
    assert found / asked >= 0.6
    assert special / asked >= 0.2

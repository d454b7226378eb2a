"""`crmkit schema explain`: what an operation asks of the database, and what is Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

PAGE = """query ($n: Int) { customers(first: $n) { totalCount nodes {
  name loyaltyPoints stage { key } interactions(first: 2) { nodes { id } } } } }"""


def lines_of(said: str) -> dict[str, str]:
    """What is said of each field, by its key in the answer."""
    fields = said.partition("\nstatement")[0].splitlines()
    return {key: origin for key, _, origin in (each.strip().partition("  ") for each in fields)}


@pytest.mark.parametrize(
    ("url", "sql"),
    [
        ("sqlite:///none.db", ["LIMIT 3 OFFSET ?", "json_each(?) AS parents"]),
        (
            "postgresql://nobody@nowhere.invalid/none",
            ["LIMIT 3", "JOIN LATERAL", "unnest(string_to_array((SELECT $1"],
        ),
    ],
)
def test_a_query_is_explained_without_a_database(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str, sql: list[str]
) -> None:
    monkeypatch.setenv("CRMKIT_DATABASE__URL", url)
    said = run("schema", "explain", PAGE, "--variables", '{"n": 3}').out
    found = {key: origin.strip() for key, origin in lines_of(said).items()}
    assert found["customers"] == "pages of all, of core; statement 1"
    assert found["name"] == "column customer.name, of core"
    assert found["loyaltyPoints"] == "column loyalty_account.balance at its side, of loyalty"
    assert found["stage"] == "joined by customer.stage_id, of core"
    assert found["interactions"] == "pages by interaction.customer_id, of core; statement 3"
    assert "statement 2, how many there are" in said
    assert "statement 3, rows of interaction" in said
    assert all(each in said for each in sql)


def test_what_is_python_is_said_to_be(run: Run) -> None:
    document = "{ tasks { nodes { overdue } } customers { nodes { nextTask { id } } } }"
    found = lines_of(run("schema", "explain", document).out)
    assert "Python, crmkit_tasks." in found["overdue"]
    assert "next_tasks once for all rows" in found["nextTask"]


def test_of_a_mutation_the_reading_of_its_payload_is_explained(run: Run) -> None:
    document = """mutation ($i: CreateCustomerInput!) { createCustomer(input: $i) {
      customer { name } } }"""
    given = '{"i": {"kind": "PERSON", "name": "Ada"}}'
    said = run("schema", "explain", document, "--variables", given).out
    assert lines_of(said)["customer"].strip() == "CreateCustomerPayload.customer; statement 1"
    assert "statement 1, rows of customer" in said


@pytest.mark.parametrize(
    ("document", "variables", "sentence"),
    [
        ("{ customers { nodes { shoe } } }", "{}", "Cannot query field 'shoe' on type 'Customer'."),
        ("{", "{}", "Syntax Error: Expected Name, found <EOF>."),
        (PAGE, '{"n": "x"}', "Variable '$n' has invalid value"),
        (PAGE, '{"n": 1001}', "A page holds 0 to 1000 records, not 1001."),
        (PAGE, "[1]", "The variables must be one JSON object"),
        (PAGE, "{n: 1}", "The variables are not JSON"),
        ("query A { __typename } query B { __typename }", "{}", "say operationName"),
    ],
)
def test_what_cannot_be_planned_says_why(
    run: Run, document: str, variables: str, sentence: str
) -> None:
    ended = run("schema", "explain", document, "--variables", variables)
    assert ended.code == 1
    assert sentence in ended.err

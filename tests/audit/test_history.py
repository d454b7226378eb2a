"""Those who may know it see who did what, as far as they reach, and without what is hidden."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from crmkit.access.models import Password
from crmkit.store.audit import Audit, AuditText
from crmkit.store.verification import Verification
from crmkit.testing import Trial, crm
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_tasks.plugin import Tasks

pytestmark = pytest.mark.anyio

CREATE = """mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { id } } }"""
UPDATE = """mutation ($input: UpdateCustomerInput!) {
  updateCustomer(input: $input) { customer { id } } }"""
HISTORY = """query ($id: ID!) { node(id: $id) { ... on Customer { history { nodes {
  actor operation customer { id } record { id } count
  changes { kind record act fields { name before after } } } } } } }"""
ENTRIES = """query ($where: AuditEntryWhere) { auditEntries(where: $where) {
  totalCount nodes { operation customer { id } } } }"""


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Orders, Loyalty, Tasks, engine=engine) as t:
        yield t


async def created(t: Trial, **given: Any) -> str:
    made = await t.gql(CREATE, input={"kind": "PERSON", "name": "Ada", **given})
    return str(made["createCustomer"]["customer"]["id"])


async def history(t: Trial, customer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await t.gql(HISTORY, id=customer))["node"]["history"]["nodes"]
    return found


def told(entry: dict[str, Any], kind: str) -> dict[str, tuple[str | None, str | None]]:
    """The fields of the first record of a kind, before and after."""
    change = next(each for each in entry["changes"] if each["kind"] == kind)
    return {each["name"]: (each["before"], each["after"]) for each in change["fields"]}


async def test_a_customer_has_a_history_of_what_was_there_before_and_after(t: Trial) -> None:
    customer = await created(t, emails=[{"address": "ada@example.com"}])
    await t.gql(UPDATE, input={"id": customer, "name": "Ada Lovelace", "source": "fair"})
    last, first = await history(t, customer)
    assert (last["operation"], last["actor"], last["record"]) == (
        "updateCustomer",
        "system",
        {"id": customer},
    )
    assert told(last, "customer") == {"name": ("Ada", "Ada Lovelace"), "source": (None, "fair")}
    assert first["operation"] == "createCustomer"
    assert {(each["kind"], each["act"]) for each in first["changes"]} >= {
        ("customer", "CREATED"),
        ("customer_email", "CREATED"),
    }


async def test_a_bulk_leaves_an_entry_for_each_customer_that_it_concerns(t: Trial) -> None:
    document = """mutation ($input: CreateCustomersInput!) {
      createCustomers(input: $input) { results { customer { id } } } }"""
    items = [{"kind": "PERSON", "name": name} for name in ("Ada", "Bo", "Cy")]
    rows = (await t.gql(document, input={"items": items}))["createCustomers"]["results"]
    for each in rows:
        [entry] = await history(t, each["customer"]["id"])
        assert (entry["operation"], entry["customer"]) == ("createCustomers", each["customer"])


async def test_what_happens_to_a_record_of_a_customer_is_in_the_history(t: Trial) -> None:
    customer = await created(t)
    task = """mutation ($input: CreateTaskInput!) {
      createTask(input: $input) { task { id } } }"""
    asked = {"customerId": customer, "subject": "Call", "dueAt": "2027-01-01T09:00:00Z"}
    made = await t.gql(task, input=asked)
    cancel = """mutation ($input: CancelTaskInput!) {
      cancelTask(input: $input) { task { id } } }"""
    await t.gql(cancel, input={"id": made["createTask"]["task"]["id"]})
    assert [each["operation"] for each in await history(t, customer)][:2] == [
        "cancelTask",
        "createTask",
    ]


async def test_what_is_taken_off_a_customer_is_in_the_history_too(t: Trial) -> None:
    customer = await created(t)
    await t.gql('mutation { createTag(input: {key: "vip", labels: []}) { tag { id } } }')
    for verb in ("tag", "untag"):
        kind = verb.title()
        document = f"""mutation ($input: {kind}CustomerInput!) {{
          {verb}Customer(input: $input) {{ customer {{ id }} }} }}"""
        await t.gql(document, input={"customerId": customer, "tags": ["vip"]})
    [last, before, *_] = await history(t, customer)
    assert [each["act"] for each in last["changes"]] == ["DELETED"]
    assert before["operation"] == "tagCustomer"


async def test_whoever_may_not_know_it_is_refused(t: Trial) -> None:
    customer = await created(t)
    t.become("sales")
    [error] = await t.errors(HISTORY, id=customer)
    assert "AuditEntry" in str(error) or "history" in str(error)
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_entries_about_customers_of_others_are_not_there(t: Trial) -> None:
    team = await t.gql('mutation { createTeam(input: {name: "North"}) { team { id } } }')
    north = team["createTeam"]["team"]["id"]
    own, _ = await created(t, teamId=north), await created(t)
    t.become("admin", team=north, scope="team")
    found = await t.gql(ENTRIES, where={"operation": {"eq": "createCustomer"}})
    assert found["auditEntries"] == {
        "totalCount": 1,
        "nodes": [{"operation": "createCustomer", "customer": {"id": own}}],
    }


async def test_entries_outlive_their_customer_for_those_who_reach_all(t: Trial) -> None:
    team = await t.gql('mutation { createTeam(input: {name: "North"}) { team { id } } }')
    north = team["createTeam"]["team"]["id"]
    deleted, erased = await created(t, teamId=north), await created(t, teamId=north)
    for verb, id_ in (("deleteCustomer", deleted), ("eraseCustomer", erased)):
        await t.gql(
            f"mutation ($id: ID!) {{ {verb}(input: {{id: $id}}) {{ __typename }} }}", id=id_
        )
    await t.drain()
    asked = {"operation": {"in": ["createCustomer", "deleteCustomer", "eraseCustomer"]}}
    for role, given, count in (("admin", {}, 4), ("admin", {"team": north, "scope": "team"}, 0)):
        t.become(role, **given)
        found = (await t.gql(ENTRIES, where=asked))["auditEntries"]
        assert (found["totalCount"], len(found["nodes"])) == (count, count)
        assert [each["customer"] for each in found["nodes"]] == [None] * count


async def test_what_is_hidden_from_somebody_is_hidden_in_the_history(t: Trial) -> None:
    customer = await created(t)
    await t.gql(UPDATE, input={"id": customer, "name": "Zoë", "source": "fair"})
    t.become("admin", hidden=["Customer.source"])
    assert set(told((await history(t, customer))[0], "customer")) == {"name"}


async def test_personal_text_stands_nowhere_in_the_chain_and_is_erased_with_the_person(
    t: Trial,
) -> None:
    customer, other = await created(t), await created(t)
    for each in (customer, other):
        await t.gql(UPDATE, input={"id": each, "name": "Ada Lovelace"})
    await t.host.sealer.drain()
    assert "Lovelace" not in str(await t.host.database.fetch(select(Audit.changes)))
    assert "Lovelace" in str(await t.host.database.fetch(select(AuditText.said)))
    erase = "mutation ($id: ID!) { eraseCustomer(input: {id: $id}) { __typename } }"
    await t.gql(erase, id=customer)
    await t.drain()
    await t.host.sealer.drain()
    left = await t.host.database.fetch(select(AuditText.said))
    assert sum("Lovelace" in str(said) for said in left) == 1
    assert told((await history(t, other))[0], "customer") == {"name": ("Ada", "Ada Lovelace")}
    verdict = await Verification(t.host.database, t.host.auditor, t.host.sealer).run()
    assert (verdict.faults, verdict.erased) == ([], 1)


async def test_a_secret_is_told_to_nobody(t: Trial) -> None:
    made = await t.gql(
        'mutation { createUser(input: {name: "Uma", mail: "u@example.com"}) { user { id } } }'
    )
    user = made["createUser"]["user"]["id"]

    async def first(context: Any) -> None:
        context.write.add(Password(user_id=user, hash="canary", changed_at=t.clock.now()))

    async def then(context: Any) -> None:
        context.write.change(Password, user, set={Password.hash: "canary"})

    await t.unit(first)
    await t.unit(then)
    rows = await t.host.database.fetch(select(Audit.changes)) + await t.host.database.fetch(
        select(AuditText.said)
    )
    assert "user_password" in str(rows)
    assert "canary" not in str(rows)

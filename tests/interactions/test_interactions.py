from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from crmkit.channels.models import Channel
from crmkit.store.database import table_of
from crmkit.testing import add_customers, crm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

RECORD = (
    "mutation($i: RecordInteractionInput!) { recordInteraction(input: $i) { interaction { %s } } }"
)


@pytest.fixture
async def t(engine: str) -> AsyncGenerator[Trial]:
    async with crm(engine=engine) as trial:
        yield trial


async def customer(t: Trial, name: str = "Ada") -> str:
    query = "mutation($n: String!) { createCustomer(input: {name: $n}) { customer { id } } }"
    return str((await t.gql(query, n=name))["createCustomer"]["customer"]["id"])


def said(who: str, **given: Any) -> dict[str, Any]:
    plain = {"channel": "email", "direction": "INBOUND", "kind": "question"}
    return {"customerId": who, **plain, **given}


async def record(t: Trial, fields: str = "id", **given: Any) -> Any:
    return (await t.gql(RECORD % fields, i=given))["recordInteraction"]["interaction"]


async def test_what_was_said_is_recorded_with_all_that_is_known(t: Trial) -> None:
    who = await customer(t)
    await t.gql(
        'mutation { createTouchpoint(input: {key: "shop.berlin", labels: [{locale: "en", '
        'text: "Shop in Berlin"}]}) { touchpoint { id } } }'
    )
    given = said(
        who,
        touchpoint="shop.berlin",
        subject="Price?",
        body="How much?",
        properties={"a": [1, "x"]},
    )
    found = await record(
        t,
        "customer { name } channel { key label } touchpoint { label } direction kind subject "
        "body properties occurredAt actor cause { id } supersedes { id } supersededBy { id }",
        **given,
    )
    assert found == {
        "customer": {"name": "Ada"},
        "channel": {"key": "email", "label": "Email"},
        "touchpoint": {"label": "Shop in Berlin"},
        "direction": "INBOUND",
        "kind": "question",
        "subject": "Price?",
        "body": "How much?",
        "properties": {"a": [1, "x"]},
        "occurredAt": "2026-01-01T00:00:00.000000Z",
        "actor": "system",
        "cause": None,
        "supersedes": None,
        "supersededBy": [],
    }


async def test_a_customer_shows_the_latest_first(t: Trial) -> None:
    who = await customer(t)
    for day in (2, 1, 3):
        await record(t, **said(who, occurredAt=f"2026-01-0{day}T09:00:00Z", subject=str(day)))
    query = "query($id: ID!) { node(id: $id) { ... on Customer { interactions(first: 2) { totalCount nodes { subject } } } } }"
    found = (await t.gql(query, id=who))["node"]["interactions"]
    assert found == {"totalCount": 3, "nodes": [{"subject": "3"}, {"subject": "2"}]}


async def test_a_correction_supersedes_and_changes_nothing(t: Trial) -> None:
    who = await customer(t)
    wrong = (await record(t, **said(who, subject="wrong")))["id"]
    fields = "id subject supersedes { id subject supersededBy { subject } }"
    right = await record(t, fields, **said(who, subject="right", supersedesId=wrong))
    assert right["supersedes"] == {
        "id": wrong,
        "subject": "wrong",
        "supersededBy": [{"subject": "right"}],
    }
    errors = await t.errors(RECORD % "id", i=said(who, supersedesId=wrong))
    assert errors[0]["extensions"]["reason"] == "core.already_superseded"
    assert (await record(t, "subject", **said(who, supersedesId=right["id"])))["subject"] is None


async def test_the_loop_can_be_walked_by_its_causes(t: Trial) -> None:
    who = await customer(t)
    question = (await record(t, **said(who)))["id"]
    answer = await record(
        t,
        "id cause { id ... on Interaction { kind } }",
        **said(who, direction="OUTBOUND", kind="offer", causeId=question),
    )
    assert answer["cause"] == {"id": question, "kind": "question"}
    meeting = await record(t, "cause { ... on Customer { name } }", **said(who, causeId=who))
    assert meeting["cause"] == {"name": "Ada"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"touchpoint": "nowhere"}, "touchpoint"),
        ({"kind": "What?"}, "kind"),
        ({"subject": "x" * 501}, "subject"),
    ],
)
async def test_a_fault_says_where_it_stands(t: Trial, given: dict[str, Any], field: str) -> None:
    who = await customer(t)
    errors = await t.errors(RECORD % "id", i=said(who, **given))
    extensions = errors[0]["extensions"]
    assert extensions["code"] == "INVALID"
    assert [each["field"] for each in extensions["problems"]] == [["input", field]]


async def test_a_correction_is_of_the_same_customer(t: Trial) -> None:
    of_bob = (await record(t, **said(await customer(t, "Bob"))))["id"]
    errors = await t.errors(RECORD % "id", i=said(await customer(t), supersedesId=of_bob))
    assert errors[0]["extensions"]["problems"][0]["field"] == ["input", "supersedesId"]


async def test_many_are_recorded_in_as_many_statements_as_one(t: Trial) -> None:
    who = await customer(t)
    query = "mutation($i: RecordInteractionsInput!) { recordInteractions(input: $i) { results { outcome interaction { subject } } } }"
    sent = []
    for number in (1, 40):
        items = [said(who, subject=str(n)) for n in range(number)]
        with t.statements() as statements:
            done = await t.gql(query, i={"items": items})
        assert [
            each["interaction"]["subject"] for each in done["recordInteractions"]["results"]
        ] == [str(n) for n in range(number)]
        sent.append(len(statements))
    assert sent[0] == sent[1]


async def test_who_is_deleted_takes_what_was_said_out_of_sight(t: Trial) -> None:
    who = await customer(t)
    await record(t, **said(who))
    await t.gql(
        "mutation($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }", id=who
    )
    assert (await t.gql("{ interactions { totalCount } }"))["interactions"]["totalCount"] == 0


async def test_a_record_goes_out_in_one_go_and_nobody_looks_whether_it_is_there(t: Trial) -> None:
    who = await customer(t)
    given = said(who, idempotencyKey="k")
    await record(t, **said(who))
    with t.statements() as sent:
        first = await record(t, **given)
    kinds = [each.split(" ", 1)[0] for each in sent]
    assert kinds == ["SELECT", "SELECT", *["INSERT"] * 5]  # Two premises, and what they allow.
    with t.statements() as sent:
        assert await record(t, **given) == first
    assert "FROM unnest" in sent[-1] or "json_each" in sent[-1]  # A repeat looks.


async def test_a_payload_says_of_what_was_just_written_what_a_later_look_says(t: Trial) -> None:
    who, fields = await customer(t), "id kind direction actor occurredAt createdAt"
    at = "2026-01-02T03:04:05.678+02:00"
    await record(t, fields, **said(who))
    with t.statements() as sent:
        told = await record(t, fields, **said(who, occurredAt=at))
    assert not [each for each in sent if "unnest" in each or "json_each" in each]
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on Interaction {{ {fields} }} }} }}"
    assert (await t.gql(query, id=told["id"]))["node"] == told


@pytest.mark.parametrize(
    ("given", "looks"),
    [({}, 0), ({"hidden": ["Interaction.actor"]}, 1), ({"scope": "own"}, 1)],
)
async def test_who_does_not_see_all_has_his_payload_looked_up(
    t: Trial, given: dict[str, Any], looks: int
) -> None:
    made = await t.gql(
        'mutation { createUser(input: {name: "Uma", mail: "uma@example.com"}) { user { id } } }'
    )
    user = made["createUser"]["user"]["id"]
    [who] = await add_customers(t, ["Ada"], ownerId=user)
    t.become("admin", user=user, **given)
    await record(t, **said(who))
    with t.statements() as sent:
        assert await record(t, "id kind", **said(who))
    assert len([each for each in sent if "unnest" in each or "json_each" in each]) == looks


async def test_a_channel_that_was_retired_elsewhere_is_noticed(t: Trial) -> None:
    who = await customer(t)
    await record(t, **said(who))
    # Another server's doing, of which this one has heard nothing.
    channel, now = table_of(Channel), t.clock.now()
    async with t.host.database.transaction() as transaction:
        await transaction.run(update(channel).values(retired_at=now))
    [error] = await t.errors(RECORD % "id", i=said(who))
    assert error["extensions"]["reason"] == "core.retired"
    async with t.host.database.transaction() as transaction:
        await transaction.run(update(channel).values(retired_at=None))
    assert await record(t, **said(who))

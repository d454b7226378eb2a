"""Other systems are told of events: all of them, once they answer, and no more than they may see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from standardwebhooks import Webhook as Signing

from crmkit.store.outbox import Delivery
from crmkit.testing import add_customers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.testing import Trial
    from tests.plugins.webhooks.conftest import Message, Receiver

pytestmark = pytest.mark.anyio

ROLE = """mutation ($key: String!, $scope: String!, $hidden: [String!]!) {
  createRole(input: {key: $key, name: $key, preset: "sales", scope: $scope, hiddenFields: $hidden}) {
    role { id } } }"""
CREATE = """mutation ($input: CreateWebhookInput!) {
  createWebhook(input: $input) { webhook { id state events } secret } }"""
ROTATE = """mutation ($id: ID!) {
  rotateWebhookSecret(input: {id: $id, oldValidHours: 1}) { secret } }"""
UPDATE = (
    "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }"
)
PAUSE = "mutation ($id: ID!) { pauseWebhook(input: {id: $id}) { webhook { id } } }"
RESUME = "mutation ($id: ID!) { resumeWebhook(input: {id: $id}) { webhook { id } } }"
DELETE = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }"
HIDE = """mutation ($id: ID!) {
  updateRole(input: {id: $id, hiddenFields: ["Customer.givenName"]}) { role { id } } }"""
LOG = """{ webhooks(first: 1) { nodes { state problem role { id } deliveries(first: 10) { nodes {
  id event state tries nextTryAt attempts(first: 10) { nodes { status said } } } } } } }"""


async def a_role(t: Trial, scope: str = "all", hidden: Sequence[str] = ()) -> str:
    made = await t.gql(ROLE, key="erp", scope=scope, hidden=list(hidden))
    id_: str = made["createRole"]["role"]["id"]
    return id_


async def hook(
    t: Trial,
    url: str,
    *events: str,
    scope: str = "all",
    hidden: tuple[str, ...] = (),
    where: Any = None,
) -> tuple[str, str]:
    """Makes a webhook with a role of its own, and returns its id and its secret."""
    role = await a_role(t, scope, hidden)
    wanted = {
        "url": url,
        "events": events or ("core.CustomersCreated",),
        "roleId": role,
        "where": where,
    }
    created = (await t.gql(CREATE, input=wanted))["createWebhook"]
    return created["webhook"]["id"], created["secret"]


async def log(t: Trial) -> dict[str, Any]:
    [webhook] = (await t.gql(LOG))["webhooks"]["nodes"]
    found: dict[str, Any] = webhook
    return found


def is_signed(message: Message, secret: str) -> bool:
    """Whether one of its signatures is of this secret, as the standard's own library has it."""
    at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), UTC)
    wanted = Signing(secret).sign(msg_id=message.id, timestamp=at, data=message.text)
    return wanted in message.headers["webhook-signature"].split(" ")


async def test_a_receiver_that_fails_three_times_gets_it_with_the_same_id(
    t: Trial, receiver: Receiver
) -> None:
    _, secret = await hook(t, receiver.url)
    receiver.answers = ["500 Oh", "302 Found\r\nLocation: http://127.0.0.1/", "503 Busy"]
    [ada] = await add_customers(t, ["Ada"])
    for _ in range(4):
        await t.drain()
        t.clock.move(hours=1)
    assert len(receiver.got) == 4
    assert len({each.id for each in receiver.got}) == 1
    assert all(is_signed(each, secret) for each in receiver.got)
    assert receiver.got[-1].body["data"]["records"][ada]["name"] == "Ada"
    [delivery] = (await log(t))["deliveries"]["nodes"]
    assert (delivery["id"], delivery["state"]) == (receiver.got[0].id, "DELIVERED")
    assert (delivery["tries"], delivery["nextTryAt"]) == (4, None)
    assert [each["status"] for each in delivery["attempts"]["nodes"]] == [204, 503, 302, 500]


async def test_nobody_is_told_of_what_was_rolled_back(t: Trial, receiver: Receiver) -> None:
    await hook(t, receiver.url)
    with pytest.raises(AssertionError):
        await add_customers(t, [""])
    await t.drain()
    assert (await log(t))["deliveries"]["nodes"] == []


async def test_who_answers_410_is_told_nothing_more(t: Trial, receiver: Receiver) -> None:
    await hook(t, receiver.url)
    receiver.answers = ["410 Gone"]
    for name in ("Ada", "Grace"):
        await add_customers(t, [name])
        await t.drain()
    found = await log(t)
    assert (found["state"], found["problem"]) == (
        "DISABLED",
        "The receiver has answered 410: it is gone.",
    )
    assert [each["state"] for each in found["deliveries"]["nodes"]] == ["DEAD"]
    assert len(receiver.got) == 1


async def test_a_rotated_secret_loses_no_event(t: Trial, receiver: Receiver) -> None:
    webhook, old = await hook(t, receiver.url)
    receiver.answers = ["500 Oh"]
    await add_customers(t, ["Before"])
    new = (await t.gql(ROTATE, id=webhook))["rotateWebhookSecret"]["secret"]
    await t.drain()
    await add_customers(t, ["After"])
    await t.drain()
    assert new != old
    assert len({each.id for each in receiver.got}) == 2
    assert all(is_signed(each, old) and is_signed(each, new) for each in receiver.got)
    t.clock.move(hours=2)
    await add_customers(t, ["Later"])
    await t.drain()
    assert is_signed(receiver.got[-1], new)
    assert not is_signed(receiver.got[-1], old)


async def test_what_the_role_does_not_see_does_not_leave(t: Trial, receiver: Receiver) -> None:
    hidden = ("Customer.givenName",)
    await hook(t, receiver.url, "core.CustomersCreated", "core.CustomersUpdated", hidden=hidden)
    [ada] = await add_customers(t, ["Ada"], givenName="Augusta")
    await t.gql(UPDATE, input={"id": ada, "givenName": "Secretive"})
    await t.gql(UPDATE, input={"id": ada, "givenName": "Discreet", "locale": "fr"})
    await t.drain()
    created, updated = sorted(receiver.got, key=lambda each: each.body["data"]["sequence"])
    assert created.body["data"]["ids"] == [ada]
    assert updated.body["data"]["fields"] == ["locale"]
    assert updated.body["data"]["records"][ada]["locale"] == "fr"
    said = "".join(each.text for each in receiver.got)
    assert not any(each in said for each in ("Augusta", "Secretive", "Discreet", "iven"))
    states = [each["state"] for each in (await log(t))["deliveries"]["nodes"]]
    assert sorted(states) == ["DELIVERED", "DELIVERED", "WITHHELD"]


async def test_whom_the_role_does_not_reach_nobody_is_told_of(t: Trial, receiver: Receiver) -> None:
    await hook(t, receiver.url, scope="own")
    await add_customers(t, ["Ada"])
    await t.drain()
    assert receiver.got == []
    assert [each["state"] for each in (await log(t))["deliveries"]["nodes"]] == ["WITHHELD"]


async def test_a_deleted_customer_is_told_of_without_a_word(t: Trial, receiver: Receiver) -> None:
    await hook(t, receiver.url, "core.CustomersDeleted")
    [ada] = await add_customers(t, ["Ada"])
    await t.gql(DELETE, id=ada)
    await t.drain()
    [message] = receiver.got
    assert message.body["data"]["records"] == {ada: None}


async def test_what_waits_for_a_paused_webhook_is_sent_when_it_is_resumed(
    t: Trial, receiver: Receiver
) -> None:
    webhook, _ = await hook(t, receiver.url)
    await t.gql(PAUSE, id=webhook)
    await add_customers(t, ["Ada"])
    await t.drain()
    assert receiver.got == []
    await t.gql(RESUME, id=webhook)
    await t.drain()
    assert len(receiver.got) == 1


async def test_what_died_is_replayed_under_its_id(t: Trial, receiver: Receiver) -> None:
    await hook(t, receiver.url)
    receiver.answers = ["500 Oh\r\nRetry-After: 100"] * 5
    await add_customers(t, ["Ada"])
    await t.drain()
    [delivery] = (await log(t))["deliveries"]["nodes"]
    assert (delivery["state"], delivery["tries"]) == ("WAITING", 1)  # not after 0 s, as asked
    for _ in range(5):
        t.clock.move(hours=3)
        await t.drain()
    [delivery] = (await log(t))["deliveries"]["nodes"]
    assert (delivery["state"], len(receiver.got)) == ("DEAD", 5)
    replay = """mutation ($id: ID!) {
      replayWebhookDelivery(input: {id: $id}) { delivery { state } } }"""
    await t.gql(replay, id=delivery["id"])
    [error] = await t.errors(replay, id=delivery["id"])
    assert error["extensions"]["reason"] == "webhooks.still_waiting"
    await t.drain()
    assert len({each.id for each in receiver.got}) == 1
    assert [each["state"] for each in (await log(t))["deliveries"]["nodes"]] == ["DELIVERED"]


async def test_who_fails_for_days_is_disabled(t: Trial, receiver: Receiver) -> None:
    await hook(t, receiver.url)
    receiver.answers = ["500 Oh"] * 3
    await add_customers(t, ["Ada"])
    for _ in range(2):
        await t.drain()
        t.clock.move(days=6)
    await t.drain()
    found = await log(t)
    assert found["state"] == "DISABLED"
    assert found["problem"].startswith("Every try has failed since ")


async def test_an_inner_address_is_not_asked(t: Trial, receiver: Receiver) -> None:
    await hook(t, f"http://127.0.0.2:{receiver.port}/")
    await add_customers(t, ["Ada"])
    await t.drain()
    [delivery] = (await log(t))["deliveries"]["nodes"]
    assert delivery["attempts"]["nodes"][0]["status"] is None
    assert "inner network" in delivery["attempts"]["nodes"][0]["said"]


async def test_nobody_has_more_told_than_he_may_see(t: Trial, receiver: Receiver) -> None:
    webhook, _ = await hook(t, receiver.url)
    t.become("admin", hidden=["Customer.givenName"])
    change = 'mutation ($id: ID!) { updateWebhook(input: {id: $id, url: "https://evil.example"}) { webhook { url } } }'
    for document in (change, ROTATE):
        [error] = await t.errors(document, id=webhook)
        assert error["extensions"]["reason"] == "core.wider_than_own"
    t.become("manager")
    [error] = await t.errors(ROTATE, id=webhook)
    assert error["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "ftp://a.example"}, "url"),
        ({"url": "http://u:p@a.example"}, "url"),
        ({"events": ["core.CustomerCreated"]}, "events"),
        ({"events": []}, "events"),
    ],
)
async def test_what_cannot_be_told_is_refused(
    t: Trial, receiver: Receiver, wrong: dict[str, Any], field: str
) -> None:
    right = {"url": receiver.url, "events": ["core.CustomersCreated"]}
    wanted = {**right, "roleId": await a_role(t), **wrong}
    [error] = await t.errors(CREATE, input=wanted)
    assert error["extensions"]["problems"][0]["field"] == ["input", field]


async def test_a_webhook_goes_with_its_log(t: Trial, receiver: Receiver) -> None:
    webhook, _ = await hook(t, receiver.url)
    await add_customers(t, ["Ada"])
    await t.drain()
    await t.gql(
        "mutation ($id: ID!) { deleteWebhook(input: {id: $id}) { deletedWebhookId } }", id=webhook
    )
    assert (await t.gql("{ webhookDeliveries { totalCount } }"))["webhookDeliveries"] == {
        "totalCount": 0
    }


async def test_what_has_long_been_over_is_forgotten(t: Trial, receiver: Receiver) -> None:
    await hook(t, receiver.url)
    await add_customers(t, ["Ada"])
    await t.drain()
    t.clock.move(days=31)
    await t.drain()
    assert (await log(t))["deliveries"]["nodes"] == []


async def test_of_what_nobody_wants_to_hear_nothing_is_stored_to_be_told(
    t: Trial, receiver: Receiver
) -> None:
    every_one = select(func.count()).select_from(Delivery.__table__)

    async def stored() -> int:
        await t.drain()
        [(count,)] = await t.host.database.fetch(every_one)
        return int(count)

    await add_customers(t, ["Before"])
    assert await stored() == 0
    webhook, _ = await hook(t, receiver.url)
    [ada] = await add_customers(t, ["Ada"])
    await t.gql(UPDATE, input={"id": ada, "name": "Ada Lovelace"})
    assert await stored() == 1
    assert [each.body["type"] for each in receiver.got] == ["core.CustomersCreated"]
    await t.gql(PAUSE, id=webhook)
    await add_customers(t, ["Meanwhile"])
    assert await stored() == 2


async def test_before_and_after_leave_as_far_as_the_role_sees_them(
    t: Trial, receiver: Receiver
) -> None:
    await hook(t, receiver.url, "core.CustomersUpdated", hidden=("Customer.givenName",))
    [ada] = await add_customers(t, ["Ada"], givenName="Augusta", locale="en")
    await t.gql(UPDATE, input={"id": ada, "givenName": "Secretive", "locale": "fr"})
    await t.drain()
    [message] = receiver.got
    assert message.body["data"]["changes"] == {
        ada: {"before": {"locale": "en"}, "after": {"locale": "fr"}}
    }
    assert "Augusta" not in message.text


async def test_a_webhook_is_told_of_records_that_fulfil_its_where(
    t: Trial, receiver: Receiver
) -> None:
    where = {"or": [{"locale": {"eq": "fr"}}, {"stage": {"key": {"eq": "customer"}}}]}
    await hook(
        t, receiver.url, "core.CustomersUpdated", "core.CustomersDeleted", where=where, scope="all"
    )
    ada, bob = [*await add_customers(t, ["Ada"], locale="en"), *await add_customers(t, ["Bob"])]
    for id_, locale in ((ada, "de"), (ada, "fr"), (bob, "it")):
        await t.gql(UPDATE, input={"id": id_, "locale": locale})
        await t.drain()
    for id_ in (ada, bob):
        await t.gql(DELETE, id=id_)
    await t.drain()
    assert [each.body["data"]["ids"] for each in receiver.got] == [[ada], [ada]]
    assert receiver.got[-1].body["data"]["records"] == {ada: None}
    states = [each["state"] for each in (await log(t))["deliveries"]["nodes"]]
    assert sorted(states) == ["DELIVERED", "DELIVERED", "WITHHELD", "WITHHELD", "WITHHELD"]


@pytest.mark.parametrize(
    ("where", "code", "field"),
    [
        ({"nmae": {"eq": "Ada"}}, "INVALID", ["where"]),
        ({"name": {"eq": 7}}, "INVALID", ["where", "name", "eq"]),
        ({"givenName": {"eq": "Ada"}}, "FORBIDDEN", ["where"]),
        ({"not": {"emails": {"some": {"address": {"eq": "a@b.c"}}}}}, "FORBIDDEN", ["where"]),
        ({"or": [{"name": {"eq": "Ada"}}] * 51}, "QUERY_TOO_COMPLEX", ["where"]),
    ],
)
async def test_a_where_is_what_the_role_could_ask(
    t: Trial, where: dict[str, Any], code: str, field: list[str]
) -> None:
    role = await a_role(t, hidden=("Customer.givenName", "Customer.emails"))
    wanted = {"url": "https://example.com", "events": ["core.CustomersMoved"], "roleId": role}
    [error] = await t.errors(CREATE, input={**wanted, "where": where})
    assert error["extensions"]["code"] == code
    assert error["extensions"]["problems"][0]["field"] == ["input", *field]


async def test_a_where_is_about_records_of_one_kind(t: Trial) -> None:
    events = ["core.CustomersCreated", "core.InteractionsRecorded"]
    wanted = {"url": "https://example.com", "events": events, "roleId": await a_role(t)}
    [error] = await t.errors(CREATE, input={**wanted, "where": {"id": {"isNull": False}}})
    assert error["extensions"]["reason"] == "webhooks.not_about_one_kind"
    assert "about Customer and Interaction;" in error["message"]


async def test_who_may_not_ask_by_a_where_any_more_is_told_nothing(
    t: Trial, receiver: Receiver
) -> None:
    webhook, _ = await hook(t, receiver.url, where={"givenName": {"eq": "Augusta"}})
    await t.gql(HIDE, id=(await log(t))["role"]["id"])
    await add_customers(t, ["Ada"], givenName="Augusta")
    await t.drain()
    found = await log(t)
    assert (receiver.got, found["state"]) == ([], "DISABLED")
    assert found["problem"].startswith("Its where cannot be asked any more: CustomerWhere.given")
    await t.gql(
        "mutation ($id: ID!) { updateWebhook(input: {id: $id, where: null}) { webhook { where } } }",
        id=webhook,
    )
    await t.gql(RESUME, id=webhook)
    await t.drain()
    assert len(receiver.got) == 1

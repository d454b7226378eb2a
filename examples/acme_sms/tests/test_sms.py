"""Text messages, through GraphQL and a provider on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import acme_sms
from acme_sms.fake import TOKEN, FakeProvider
from acme_sms.plugin import AcmeSms
from crmkit.testing import add_customers, crm, plugin_contract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

test_contract = plugin_contract(AcmeSms)

SEND = """mutation ($input: SendSmsInput!) {
  sendSms(input: $input) { message { id number state customer { smsSent } } } }"""
MESSAGES = """{ smsMessages(orderBy: [CREATED_AT_ASC]) { nodes {
  text number state providerId problem customer { name smsSent } } } }"""
PHONES = [{"number": "+49 30 1234567"}, {"number": "+49 30 7654321"}]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
async def t(engine: str, provider: FakeProvider) -> AsyncIterator[Trial]:
    section = {"url": provider.url, "token": TOKEN, "timeout": 20}
    http = {"allow_networks": ["127.0.0.1/32"]}
    async with crm(AcmeSms, engine=engine, config={"acme_sms": section}, http=http) as t:
        yield t


async def add_ada(t: Trial) -> str:
    [ada] = await add_customers(t, ["Ada"], phones=PHONES)
    return ada


async def send(t: Trial, customer: str, text: str, **given: Any) -> dict[str, Any]:
    done = await t.gql(SEND, input={"customerId": customer, "text": text, **given})
    message: dict[str, Any] = done["sendSms"]["message"]
    return message


async def messages(t: Trial) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await t.gql(MESSAGES))["smsMessages"]["nodes"]
    return found


async def test_a_text_is_sent_after_the_commit_counted_and_recorded(
    t: Trial, provider: FakeProvider
) -> None:
    ada = await add_ada(t)
    queued = await send(t, ada, "你好 Ada", causeId=ada)
    assert queued["state"] == "QUEUED"
    assert provider.asked == []
    await t.drain()
    assert provider.sent == {queued["id"]: {"to": "+49301234567", "text": "你好 Ada"}}
    [message] = await messages(t)
    assert message == {
        "text": "你好 Ada",
        "number": "+49301234567",
        "state": "SENT",
        "providerId": f"fake-{queued['id'][-8:]}",
        "problem": None,
        "customer": {"name": "Ada", "smsSent": "1"},
    }
    found = await t.gql("""{ customers { nodes { interactions { nodes {
      channel { key } direction kind body cause { id } } } } } }""")
    assert found["customers"]["nodes"][0]["interactions"]["nodes"] == [
        {
            "channel": {"key": "text"},
            "direction": "OUTBOUND",
            "kind": "text",
            "body": "你好 Ada",
            "cause": {"id": queued["id"]},
        }
    ]


async def test_who_was_texted_often_is_found(t: Trial) -> None:
    ada = await add_ada(t)
    await add_customers(t, ["Grace"])
    await send(t, ada, "One")
    await send(t, ada, "Two")
    await t.drain()
    found = await t.gql("""{ customers(where: {smsSent: {gte: "2"}}, orderBy: [SMS_SENT_DESC]) {
      nodes { name smsMessages { nodes { text } } } } }""")
    assert found["customers"]["nodes"] == [
        {"name": "Ada", "smsMessages": {"nodes": [{"text": "Two"}, {"text": "One"}]}}
    ]


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_a_provider_that_fails_is_asked_again_later_under_the_same_key(
    t: Trial, provider: FakeProvider, status: int
) -> None:
    provider.answers = [status, status]
    queued = await send(t, await add_ada(t), "Hello")
    await t.drain()
    assert [each["state"] for each in await messages(t)] == ["QUEUED"]
    for _ in range(2):
        t.clock.move(minutes=1)
        await t.drain()
    assert provider.asked == [queued["id"]] * 3
    assert [each["state"] for each in await messages(t)] == ["SENT"]


async def test_what_was_sent_and_could_not_be_noted_is_sent_once(
    engine: str, provider: FakeProvider
) -> None:
    section = {"url": provider.url, "token": TOKEN, "channel": "pager"}
    http = {"allow_networks": ["127.0.0.1/32"]}
    async with crm(AcmeSms, engine=engine, config={"acme_sms": section}, http=http) as t:
        queued = await send(t, await add_ada(t), "Hello")
        await t.drain()
        assert [*provider.sent] == [queued["id"]]
        assert [each["state"] for each in await messages(t)] == ["QUEUED"]
        await t.gql('mutation { createChannel(input: {key: "pager"}) { __typename } }')
        t.clock.move(minutes=1)
        await t.drain()
        assert provider.asked == [queued["id"]] * 2
        assert [*provider.sent] == [queued["id"]]
        assert [each["customer"]["smsSent"] for each in await messages(t)] == ["1"]


async def test_a_message_that_the_provider_rejects_has_failed_and_says_why(
    t: Trial, provider: FakeProvider
) -> None:
    provider.answers = [422]
    await send(t, await add_ada(t), "Hello")
    await t.drain()
    [message] = await messages(t)
    assert (message["state"], message["customer"]["smsSent"]) == ("FAILED", "0")
    assert message["problem"] == 'The provider answered 422: {"error": 422}'
    t.clock.move(days=1)
    await t.drain()
    assert len(provider.asked) == 1


async def test_nobody_waits_for_the_provider(t: Trial, provider: FakeProvider) -> None:
    loop = asyncio.get_running_loop()

    def write() -> None:
        asyncio.run_coroutine_threadsafe(add_customers(t, ["Grace"]), loop).result(10)

    provider.meanwhile = write
    await send(t, await add_ada(t), "Hello")
    await t.drain()
    assert [each["state"] for each in await messages(t)] == ["SENT"]
    assert (await t.gql("{ customers { totalCount } }"))["customers"]["totalCount"] == 2


async def test_texts_of_one_customer_keep_their_order(t: Trial, provider: FakeProvider) -> None:
    ada = await add_ada(t)
    provider.answers = [503]
    for text in ("One", "Two", "Three"):
        await send(t, ada, text)
    await t.drain()
    assert provider.sent == {}
    t.clock.move(minutes=1)
    await t.drain()
    assert [each["text"] for each in provider.sent.values()] == ["One", "Two", "Three"]


async def test_what_became_of_messages_is_asked_of_the_provider_for_a_whole_page(
    t: Trial, provider: FakeProvider
) -> None:
    ada = await add_ada(t)
    for text in ("One", "Two"):
        await send(t, ada, text)
    await t.drain()
    await send(t, ada, "Three")
    found = await t.gql("{ smsMessages(orderBy: [CREATED_AT_ASC]) { nodes { delivery } } }")
    assert [each["delivery"] for each in found["smsMessages"]["nodes"]] == [
        "delivered",
        "delivered",
        None,
    ]
    provider.shutdown()
    provider.server_close()
    said = await t.answer("{ smsMessages(first: 1) { nodes { delivery number } } }")
    assert said["data"]["smsMessages"]["nodes"] == [{"delivery": None, "number": "+49301234567"}]
    assert said["errors"][0]["path"] == ["smsMessages", "nodes", 0, "delivery"]
    assert said["errors"][0]["extensions"]["plugin"] == "acme_sms"


async def test_who_was_deleted_meanwhile_is_not_texted(t: Trial, provider: FakeProvider) -> None:
    ada = await add_ada(t)
    queued = await send(t, ada, "Hello")
    await t.gql("mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { __typename } }", id=ada)
    await t.drain()
    assert provider.asked == []
    await t.gql("mutation ($id: ID!) { restoreCustomer(input: {id: $id}) { __typename } }", id=ada)
    [message] = await messages(t)
    assert message["state"] == "FAILED"
    assert "deleted" in message["problem"]
    assert queued["state"] == "QUEUED"


async def test_another_number_of_the_customer_can_be_named(t: Trial) -> None:
    message = await send(t, await add_ada(t), "Hello", number="+49307654321")
    assert message["number"] == "+49307654321"


async def test_many_are_texted_at_once_and_who_has_no_number_is_told(
    t: Trial, provider: FakeProvider
) -> None:
    ada = await add_ada(t)
    [grace] = await add_customers(t, ["Grace"])
    done = await t.gql(
        """mutation ($items: [SendSmsItem!]!) {
          sendSmsMessages(input: {items: $items, onError: SKIP}) {
            results { outcome error { code reason } } } }""",
        items=[{"customerId": each, "text": "Hello"} for each in (ada, grace, ada)],
    )
    refused = {"code": "REFUSED", "reason": "acme_sms.no_number"}
    assert done["sendSmsMessages"]["results"] == [
        {"outcome": "CREATED", "error": None},
        {"outcome": "REJECTED", "error": refused},
        {"outcome": "CREATED", "error": None},
    ]
    await t.drain()
    assert len(provider.sent) == 2


@pytest.mark.parametrize(
    ("given", "code", "reason", "field"),
    [
        ({"text": " "}, "INVALID", None, "text"),
        ({"text": "x" * 1_601}, "INVALID", None, "text"),
        ({"number": "+4915100000000"}, "REFUSED", "acme_sms.not_their_number", "number"),
        ({"customerId": "customer_none"}, "INVALID", None, "customerId"),
    ],
)
async def test_bad_inputs(
    t: Trial, given: dict[str, str], code: str, reason: str | None, field: str
) -> None:
    asked = {"customerId": await add_ada(t), "text": "Hello", **given}
    [error] = await t.errors(SEND, input=asked)
    assert error["extensions"]["code"] == code
    assert error["extensions"].get("reason") == reason
    assert error["extensions"]["problems"][0]["field"] == ["input", field]


async def test_without_a_provider_nothing_is_queued(engine: str) -> None:
    async with crm(AcmeSms, engine=engine) as t:
        [error] = await t.errors(SEND, input={"customerId": await add_ada(t), "text": "Hello"})
        assert error["extensions"]["reason"] == "acme_sms.no_provider"
        assert await messages(t) == []


async def test_the_token_is_neither_logged_nor_shown(
    t: Trial, provider: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.answers = [500, 401]
    await send(t, await add_ada(t), "Hello")
    await t.drain()
    t.clock.move(minutes=1)
    await t.drain()
    said = capsys.readouterr()
    assert "handler_failed" in said.out + said.err
    assert TOKEN not in said.out + said.err
    assert TOKEN not in repr(t.host.settings)
    assert TOKEN not in repr(t.host.loaded.config("acme_sms"))


def test_it_imports_nothing_of_crmkit_but_the_sdk() -> None:
    folder = Path(acme_sms.__file__).parent
    lines = [line for each in folder.rglob("*.py") for line in each.read_text().splitlines()]
    imported = {
        line for line in lines if line.lstrip().startswith(("from crmkit", "import crmkit"))
    }
    assert imported == {"from crmkit import sdk"}

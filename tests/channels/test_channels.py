from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import add_customers, crm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


@pytest.fixture
async def t(engine: str) -> AsyncGenerator[Trial]:
    async with crm(engine=engine) as trial:
        yield trial


def mutation(verb: str, fields: str) -> str:
    kind = verb[0].upper() + verb[1:]
    return f"mutation($i: {kind}Input!) {{ {verb}(input: $i) {{ {fields} }} }}"


async def do(t: Trial, verb: str, fields: str = "__typename", **input: Any) -> Any:
    return (await t.gql(mutation(verb, fields), i=input))[verb]


async def fail(t: Trial, verb: str, **input: Any) -> tuple[str, list[str | int], str | None]:
    [error] = await t.errors(mutation(verb, "__typename"), i=input)
    said = error["extensions"]
    return said["code"], said["problems"][0]["field"], said.get("reason")


async def channel(t: Trial, key: str) -> str:
    query = "query($k: String!) { channels(where: {key: {eq: $k}}) { nodes { id } } }"
    return str((await t.gql(query, k=key))["channels"]["nodes"][0]["id"])


def said(who: str, **given: Any) -> dict[str, Any]:
    return {"customerId": who, "channel": "email", "direction": "INBOUND", "kind": "note", **given}


async def test_a_channel_gets_other_labels(t: Trial) -> None:
    email = await channel(t, "email")
    labels = [{"locale": "en", "text": "Letters by wire"}]
    changed = await do(
        t, "updateChannel", "channel { key label version }", id=email, version=1, labels=labels
    )
    assert changed["channel"] == {"key": "email", "label": "Letters by wire", "version": 2}
    done = await do(
        t,
        "updateChannels",
        "results { outcome }",
        items=[{"id": email, "labels": labels}, {"id": email}, {"id": email, "labels": []}],
    )
    outcomes = [each["outcome"] for each in done["results"]]
    assert outcomes == ["UNCHANGED", "UNCHANGED", "UPDATED"]


async def test_a_touchpoint_belongs_to_a_channel_and_may_change_it(t: Trial) -> None:
    web, event = await channel(t, "web"), await channel(t, "event")
    made = await do(
        t, "createTouchpoint", "touchpoint { id channel { key } }", key="fair", channelId=web
    )
    fair = made["touchpoint"].pop("id")
    assert made["touchpoint"] == {"channel": {"key": "web"}}
    fields = "touchpoint { label channel { key } version }"
    labels = [{"locale": "en", "text": "The fair"}]
    moved = await do(t, "updateTouchpoint", fields, id=fair, labels=labels, channelId=event)
    assert moved["touchpoint"] == {"label": "The fair", "channel": {"key": "event"}, "version": 2}
    found = await t.gql("""{
        touchpoints(where: {channel: {key: {eq: "event"}}}) { nodes { key } }
        channels(where: {touchpoints: {some: {key: {eq: "fair"}}}}) {
            nodes { key touchpoints { nodes { key } } }
        }
    }""")
    assert found["touchpoints"]["nodes"] == [{"key": "fair"}]
    assert found["channels"]["nodes"] == [
        {"key": "event", "touchpoints": {"nodes": [{"key": "fair"}]}}
    ]
    freed = await do(t, "updateTouchpoint", fields, id=fair, channelId=None)
    assert freed["touchpoint"]["channel"] is None


async def test_nothing_new_is_recorded_with_what_is_retired(t: Trial) -> None:
    [who] = await add_customers(t, ["Ada"])
    email = await channel(t, "email")
    await do(t, "createTouchpoint", key="inbox")
    made = await do(t, "createTouchpoint", "touchpoint { id }", key="shop")
    shop = made["touchpoint"]["id"]
    old = await do(t, "recordInteraction", "interaction { id }", **said(who, touchpoint="shop"))
    retired = await do(t, "retireChannel", "channel { retiredAt }", id=email)
    assert retired["channel"] == {"retiredAt": "2026-01-01T00:00:00.000000Z"}
    await do(t, "retireTouchpoint", id=shop)
    assert await fail(t, "recordInteraction", **said(who)) == (
        "REFUSED",
        ["input", "channel"],
        "core.retired",
    )
    assert await fail(t, "recordInteraction", **said(who, channel="web", touchpoint="shop")) == (
        "REFUSED",
        ["input", "touchpoint"],
        "core.retired",
    )
    await do(t, "recordInteraction", **said(who, channel="web", touchpoint="inbox"))
    correction = said(who, touchpoint="shop", supersedesId=old["interaction"]["id"])
    corrected = await do(
        t, "recordInteraction", "interaction { channel { key } touchpoint { key } }", **correction
    )
    assert corrected["interaction"] == {"channel": {"key": "email"}, "touchpoint": {"key": "shop"}}
    await do(t, "reinstateChannel", id=email)
    await do(t, "reinstateTouchpoint", id=shop)
    await do(t, "recordInteraction", **said(who, touchpoint="shop"))
    found = await t.gql('{ interactions(where: {channel: {key: {eq: "email"}}}) { totalCount } }')
    assert found["interactions"]["totalCount"] == 3


async def test_a_correction_may_not_move_to_something_retired(t: Trial) -> None:
    [who] = await add_customers(t, ["Ada"])
    old = await do(t, "recordInteraction", "interaction { id }", **said(who, channel="web"))
    await do(t, "retireChannel", id=await channel(t, "email"))
    correction = said(who, supersedesId=old["interaction"]["id"])
    assert (await fail(t, "recordInteraction", **correction))[0] == "REFUSED"


async def test_what_is_retired_is_found_apart(t: Trial) -> None:
    await do(t, "retireChannel", id=await channel(t, "letter"))
    found = await t.gql("""{
        offered: channels(where: {retiredAt: {isNull: true}}) { nodes { key } }
        kept: channels(where: {retiredAt: {isNull: false}}) { nodes { key } }
    }""")
    assert "letter" not in [each["key"] for each in found["offered"]["nodes"]]
    assert found["kept"]["nodes"] == [{"key": "letter"}]
    done = await do(
        t,
        "retireChannels",
        "results { outcome }",
        items=[{"id": await channel(t, key)} for key in ("letter", "visit")],
    )
    assert [each["outcome"] for each in done["results"]] == ["UNCHANGED", "UPDATED"]


async def test_a_bad_input_is_named_and_changes_nothing(t: Trial) -> None:
    email = await channel(t, "email")
    await do(t, "createTouchpoint", key="shop")
    found = await t.gql("{ touchpoints { nodes { id } } }")
    shop = found["touchpoints"]["nodes"][0]["id"]
    twice = [{"locale": "en", "text": each} for each in "ab"]
    blank = [{"locale": "en", "text": " "}]
    cases: list[tuple[str, dict[str, Any], str, list[str | int]]] = [
        ("createChannel", {"key": "email"}, "CONFLICT", ["key"]),
        ("createChannel", {"key": "fax", "labels": twice}, "INVALID", ["labels", 1, "locale"]),
        ("updateChannel", {"id": email, "labels": blank}, "INVALID", ["labels", 0, "text"]),
        ("updateChannel", {"id": email, "labels": twice}, "INVALID", ["labels", 1, "locale"]),
        ("updateChannel", {"id": email, "labels": None}, "INVALID", ["labels"]),
        ("updateChannel", {"id": email, "version": 7}, "CONFLICT", ["version"]),
        ("updateChannel", {"id": shop}, "INVALID", ["id"]),
        ("retireChannel", {"id": email, "version": 7}, "CONFLICT", ["version"]),
        ("reinstateChannel", {"id": email, "version": 7}, "CONFLICT", ["version"]),
        ("updateTouchpoint", {"id": shop, "channelId": shop}, "INVALID", ["channelId"]),
        ("updateTouchpoint", {"id": shop, "version": 7}, "CONFLICT", ["version"]),
        ("retireTouchpoint", {"id": email}, "INVALID", ["id"]),
    ]
    for verb, given, code, field in cases:
        said_ = await fail(t, verb, **given)
        assert said_[:2] == (code, ["input", *field]), (verb, given)
    after = await t.gql("{ channels { nodes { version } } touchpoints { nodes { version } } }")
    versions = {each["version"] for nodes in after.values() for each in nodes["nodes"]}
    assert versions == {1}


async def test_many_are_retired_in_as_many_statements_as_one(t: Trial) -> None:
    ids = [await channel(t, key) for key in ("email", "phone", "chat", "visit", "web")]
    sent = []
    for chosen in (ids[:1], ids[1:]):
        with t.statements() as statements:
            await do(t, "retireChannels", items=[{"id": each} for each in chosen])
            await do(t, "reinstateChannels", items=[{"id": each} for each in chosen])
        sent.append(len(statements))
    assert sent[0] == sent[1]

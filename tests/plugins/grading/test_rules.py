from __future__ import annotations

from typing import Any

import pytest

from crmkit.testing import crm
from crmkit_grading.plugin import Grading
from crmkit_orders.plugin import Orders
from tests.plugins.grading.room import arrive, graded, mutation, points, regrade, score, talk
from tests.plugins.shop import buy, refund

pytestmark = pytest.mark.anyio

BERLIN = {"zone": "Europe/Berlin"}
Rules = dict[str, dict[str, Any]]


def trial(rules: Rules, engine: str, **options: Any) -> Any:
    config = {"grading": {"rules": rules, **options}}
    return crm(Orders, Grading, config=config, organisation=BERLIN, engine=engine)


def fit(**given: Any) -> Rules:
    return {"it": {"group": "fit", "points": 10, **given}}


def lively(**given: Any) -> Rules:
    return {"it": {"group": "engagement", "events": ["interaction"], "points": 10, **given}}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"field": "source", "operator": "eq", "value": "FAIR"}, True),
        ({"field": "source", "operator": "in", "value": ["web", "fair"]}, True),
        ({"field": "source", "operator": "not_in", "value": ["fair"]}, False),
        ({"field": "source", "operator": "starts_with", "value": "fa"}, True),
        ({"field": "locale", "operator": "ne", "value": "de"}, True),
        ({"field": "locale", "operator": "eq", "value": "de"}, False),
        ({"field": "locale", "operator": "is_null", "value": True}, True),
        ({"field": "locale", "operator": "is_null", "value": False}, False),
        ({"field": "email_domain", "operator": "contains", "value": "example"}, True),
        ({"field": "has_phone", "operator": "eq", "value": False}, True),
        ({"field": "stage", "operator": "eq", "value": "potential"}, True),
        ({"field": "created_at", "operator": "lt", "value": "2026-01-02T00:00:00Z"}, True),
        ({"when": 'customer.source == "Fair" && customer.kind == "person"'}, True),
        ({"when": "customer.locale == null"}, True),
        # Null is not greater than anything, and no failure either.
        ({"when": 'customer.locale > "a"'}, False),
        ({"when": '!customer.locale.startsWith("de")'}, False),
        ({"when": '["fair", "web"].exists(each, each == customer.source)'}, False),
    ],
    ids=str,
)
async def test_a_rule_of_fit_is_true_of_a_customer_or_not(
    rule: dict[str, Any], holds: bool, engine: str
) -> None:
    async with trial(fit(**rule), engine) as t:
        anna = await arrive(t, source="Fair", emails=[{"address": "anna@example.com"}])
        assert await points(t, anna) == ({"it": 10} if holds else {})
        assert (await score(t, anna))[0] == (10 if holds else 0)


async def test_what_changes_about_a_customer_changes_the_fit(engine: str) -> None:
    rules = fit(field="source", operator="eq", value="fair")
    rules["bought"] = {**rules["it"], "field": "stage", "value": "customer"}
    async with trial(rules, engine) as t:
        anna = await arrive(t)
        assert await score(t, anna) == (0, "d")
        document = mutation("updateCustomer", "customer { id }")
        await t.gql(document, input={"id": anna, "source": "fair"})
        await t.drain()
        assert await points(t, anna) == {"it": 10}
        stage = await t.gql('{ stages(where: {key: {eq: "customer"}}) { nodes { id } } }')
        moved = {"id": anna, "stageId": stage["stages"]["nodes"][0]["id"]}
        await t.gql(mutation("moveCustomer", "customer { id }"), input=moved)
        await t.drain()
        assert (await score(t, anna))[0] == 20


async def test_events_are_counted_with_their_evidence(engine: str) -> None:
    rules = lively(field="direction", operator="eq", value="inbound")
    async with trial(rules, engine) as t:
        anna = await arrive(t)
        first = await talk(t, anna)
        await talk(t, anna, direction="OUTBOUND")
        second = await talk(t, anna, occurredAt="2025-11-05T09:00:00Z")
        [it] = (await graded(t, anna))["grading"]["contributions"]
        # The late one counts as well, and stands where it happened.
        assert [each["id"] for each in it["evidence"]] == [first, second]
        assert (it["points"], it["evidenceCount"], it["endsAt"]) == (20, 2, None)
        assert await score(t, anna) == (20, "d")


async def test_a_corrected_interaction_counts_as_it_was_corrected(engine: str) -> None:
    rules = lively(field="kind", operator="eq", value="call")
    async with trial(rules, engine) as t:
        anna = await arrive(t)
        said = await talk(t, anna)
        assert (await score(t, anna))[0] == 10
        await talk(t, anna, kind="note", supersedesId=said)
        assert (await score(t, anna))[0] == 0


async def test_orders_count_until_their_price_is_given_back(engine: str) -> None:
    rules = lively(events=["order"], field="total", operator="gte", value=19.99, points=30)
    async with trial(rules, engine) as t:
        anna = await arrive(t)
        await buy(t, anna, "19.98")
        order = await buy(t, anna, "19.99")
        await t.drain()
        found = await graded(t, anna)
        assert (found["score"], found["grade"]) == (30, "c")
        assert found["gradeHistory"]["nodes"][0]["cause"] == {"id": order}
        await refund(t, order)
        await t.drain()
        assert await score(t, anna) == (0, "d")


async def test_rules_about_orders_sleep_where_there_are_no_orders(engine: str) -> None:
    config = {"grading": {"rules": lively(events=["order", "interaction"])}}
    async with crm(Grading, config=config, engine=engine) as t:
        anna = await arrive(t)
        await talk(t, anna)
        assert await points(t, anna) == {"it": 10}


async def test_an_expression_knows_the_event_and_the_customer(engine: str) -> None:
    when = 'event.channel == "phone" && customer.source == "fair"'
    async with trial(lively(when=when), engine) as t:
        anna, berta = await arrive(t, source="fair"), await arrive(t, "Berta")
        await talk(t, anna)
        await talk(t, anna, channel="email")
        await talk(t, berta)
        assert (await points(t, anna), await points(t, berta)) == ({"it": 10}, {})


async def test_a_half_life_halves_and_the_cap_comes_after_it(engine: str) -> None:
    rules = {**lively(half_life_days=10, cap=15)}
    async with trial(rules, engine) as t:
        anna = await arrive(t)
        for _ in range(2):
            await talk(t, anna)
        shown = []
        for _ in range(7):
            shown.append((await points(t, anna)).get("it", 0))
            t.clock.move(days=5)
        # Two times ten, capped; after five days 14, after ten 10, and so on.
        assert shown == [15, 14, 10, 7, 5, 4, 3]


async def test_steps_windows_and_days_bound_what_counts(engine: str) -> None:
    base = {"group": "engagement", "events": ["interaction"]}
    steps = [{"after_days": 2, "percent": 50}, {"after_days": 4, "percent": 0}]
    rules = {
        "steps": {**base, "points": 10, "steps": steps},
        "window": {**base, "points": 1, "window_days": 3},
        "daily": {**base, "points": -2, "per_day": 1},
    }
    async with trial(rules, engine, limits={"min": -50}) as t:
        anna = await arrive(t)
        await talk(t, anna)
        await talk(t, anna)
        by_day = []
        for _ in range(5):
            found = await points(t, anna)
            by_day.append([found.get(each, 0) for each in rules])
            t.clock.move(days=1)
        assert by_day == [[20, 2, -2], [20, 2, -2], [10, 2, -2], [10, 0, -2], [0, 0, -2]]


async def test_days_are_those_of_the_organisation(engine: str) -> None:
    async with trial(lively(window_days=1), engine) as t:
        anna = await arrive(t)
        t.clock.move(hours=22, minutes=59)
        await talk(t, anna)
        found = await graded(t, anna)
        # In Berlin the day ends an hour earlier.
        assert found["gradeChangesAt"] == "2026-01-01T23:00:00.000000Z"
        assert found["grading"]["contributions"][0]["endsAt"] == found["gradeChangesAt"]
        t.clock.move(minutes=1)
        assert await points(t, anna) == {}


async def test_what_is_yet_to_happen_counts_from_its_day_on(engine: str) -> None:
    async with trial(lively(), engine) as t:
        anna = await arrive(t)
        await talk(t, anna, occurredAt="2026-01-05T12:00:00Z")
        found = await graded(t, anna)
        assert (found["score"], found["gradeChangesAt"]) == (0, "2026-01-04T23:00:00.000000Z")
        t.clock.move(days=4)
        assert await regrade(t, onlyDue=True) == 1
        assert (await score(t, anna))[0] == 10


async def test_limits_are_contributions_of_their_own(engine: str) -> None:
    rules = {**lively(points=40), "lost": fit(points=-30, when="customer.locale == null")["it"]}
    limits = {"fit": {"min": -20}, "engagement": {"max": 100}, "limits": {"max": 70}}
    async with trial(rules, engine, **limits) as t:
        anna = await arrive(t)
        assert await score(t, anna) == (0, "d")
        for _ in range(3):
            await talk(t, anna)
        found = (await graded(t, anna))["grading"]
        told = [(each["rule"], each["group"], each["points"]) for each in found["contributions"]]
        assert told == [
            ("lost", "FIT", -30),
            (None, "FIT", 10),
            ("it", "ENGAGEMENT", 120),
            (None, "ENGAGEMENT", -20),
            (None, None, -10),
        ]
        assert (found["fit"], found["engagement"], found["score"]) == (-20, 100, 70)


async def test_whoever_is_disqualified_has_the_least_score(engine: str) -> None:
    rules = {
        **fit(field="source", operator="eq", value="fair", points=60),
        "rival": {"group": "fit", "disqualifies": True, "when": 'customer.name == "Rival"'},
    }
    async with trial(rules, engine) as t:
        rival = await arrive(t, "Rival", source="fair")
        anna = await arrive(t, source="fair")
        assert (await score(t, anna), await score(t, rival)) == ((60, "b"), (0, "d"))
        assert await points(t, rival) == {"it": 60, "rival": -60}

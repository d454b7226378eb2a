from __future__ import annotations

from typing import Any, ClassVar

import pytest

from crmkit import sdk
from crmkit.app import open_crm
from crmkit.settings import Settings
from crmkit.testing import Trial, add_customers, crm
from crmkit_grading import service
from crmkit_grading.plugin import Grading
from tests.plugins.grading.room import arrive, graded, mutation, regrade, score, talk

pytestmark = pytest.mark.anyio

TALKS = {"talks": {"group": "engagement", "events": ["interaction"], "points": 25, "cap": 75}}
LISTED = """query ($where: CustomerWhere, $by: [CustomerOrderBy!]) {
  customers(where: $where, orderBy: $by) { nodes { name score grade } } }"""


def trial(engine: str, **options: Any) -> Any:
    return crm(Grading, config={"grading": {"rules": TALKS, **options}}, engine=engine)


async def listed(t: Trial, by: str = "NAME_ASC", **where: Any) -> list[str]:
    found = await t.gql(LISTED, where=where, by=[by])
    return [each["name"] for each in found["customers"]["nodes"]]


async def test_scores_and_grades_filter_and_sort(engine: str) -> None:
    async with trial(engine) as t:
        for name, times in (("Anna", 3), ("Berta", 0), ("Cora", 2)):
            customer = await arrive(t, name)
            for _ in range(times):
                await talk(t, customer)
        assert await listed(t, "SCORE_DESC") == ["Anna", "Cora", "Berta"]
        assert await listed(t, "GRADE_DESC") == ["Berta", "Cora", "Anna"]
        assert await listed(t, score={"gte": 50}) == ["Anna", "Cora"]
        assert await listed(t, grade={"in": ["a", "d"]}) == ["Anna", "Berta"]


async def test_the_presets_are_rows_with_labels(engine: str) -> None:
    async with trial(engine) as t:
        found = await t.gql('{ grades { nodes { series key label(locale: "zh") atLeast } } }')
        rows = [tuple(each.values()) for each in found["grades"]["nodes"]]
        assert ("value", "high", "高", 67) in rows
        assert ("potential", "ordinary", "一般", 25) in rows
        assert [each[1:] for each in rows if each[0] == "abcd"] == [
            ("a", "A", 75), ("b", "B", 50), ("c", "C", 25), ("d", "D", 0)
        ]  # fmt: skip
        await t.unit(service.ensure_presets, plugin="grading")
        again = await t.gql("{ grades { totalCount } }")
        assert again["grades"]["totalCount"] == len(rows)


async def test_another_series_gives_other_grades(engine: str) -> None:
    async with trial(engine, grades="value") as t:
        anna = await arrive(t)
        assert await score(t, anna) == (0, "low")
        await talk(t, anna)
        await talk(t, anna)
        assert await score(t, anna) == (50, "mid")


async def test_a_grade_is_lost_only_well_below_its_least(engine: str) -> None:
    rules = {"talks": {**TALKS["talks"], "points": 50, "half_life_days": 100}}
    async with trial(engine, rules=rules, hysteresis=5) as t:
        anna = await arrive(t)
        await talk(t, anna)
        seen = [await score(t, anna)]
        for days in (10, 4, 4):
            t.clock.move(days=days)
            await regrade(t, onlyDue=True)
            seen.append(await score(t, anna))
        assert seen == [(50, "b"), (47, "b"), (45, "b"), (44, "c")]
        # On the way up the same score is no B.
        berta = await arrive(t, "Berta")
        await talk(t, berta, occurredAt="2026-01-05T00:00:00Z")
        assert await score(t, berta) == (45, "c")


async def test_history_says_what_changed_and_why(engine: str) -> None:
    async with trial(engine) as t:
        anna = await arrive(t)
        said = await talk(t, anna)
        found = await graded(t, anna)
        rules = found["grading"]["rules"]
        assert found["gradeHistory"]["nodes"] == [
            {
                "oldScore": 0,
                "newScore": 25,
                "oldGrade": "d",
                "newGrade": "c",
                "reason": "EVENT",
                "rules": rules,
                "cause": {"id": said},
            },
            {
                "oldScore": 0,
                "newScore": 0,
                "oldGrade": None,
                "newGrade": "d",
                "reason": "CUSTOMER",
                "rules": rules,
                "cause": None,
            },
        ]


async def test_telling_a_handler_twice_changes_nothing(engine: str) -> None:
    async with trial(engine) as t:
        anna = await arrive(t)
        said = await talk(t, anna)
        before = await graded(t, anna)

        async def again(context: Any) -> None:
            told = sdk.InteractionsRecorded(said, (said,), (anna,))
            await service.follow(context, [told, told])

        await t.unit(again, plugin="grading")
        assert await graded(t, anna) == before


async def test_a_rule_that_was_edited_between_two_events_counts_for_both(engine: str) -> None:
    async with trial(engine) as t:
        anna = await arrive(t)
        await talk(t, anna)
        before = (await graded(t, anna))["grading"]["rules"]
        dearer = {"rules": {"talks": {**TALKS["talks"], "points": 30}}}
        url = t.host.settings.database.url
        edited = Settings.model_validate({"plugins": {"grading": dearer}, "database": {"url": url}})
        crm = await open_crm(edited, plugins=[Grading], clock=t.clock, schema=t.crm.schema)
        after = Trial(crm, t.clock)
        await talk(after, anna)
        assert await score(after, anna) == (60, "b")
        history = (await graded(after, anna))["gradeHistory"]["nodes"]
        now = crm.host.loaded.config("grading").version
        assert [(each["newScore"], each["rules"]) for each in history] == [
            (60, now), (25, before), (0, before)
        ]  # fmt: skip
        await crm.close()


async def test_all_that_has_come_is_graded_in_one_unit(engine: str) -> None:
    async with trial(engine) as t:
        anna = await arrive(t)
        ask, made = mutation("recordInteraction", "interaction { id }"), {}
        said = {"channel": "phone", "direction": "INBOUND", "kind": "call"}
        for _ in range(3):
            made = await t.gql(ask, input={"customerId": anna, **said})
        await t.drain()
        assert await score(t, anna) == (75, "a")
        newest, *_ = (await graded(t, anna))["gradeHistory"]["nodes"]
        assert (newest["oldScore"], newest["newScore"]) == (0, 75)
        assert newest["cause"] == {"id": made["recordInteraction"]["interaction"]["id"]}


async def test_grading_everybody_again_goes_on_in_pages(engine: str) -> None:
    async with trial(engine) as t:
        await add_customers(t, [f"Customer {number}" for number in range(service.grading.PAGE + 1)])
        assert await regrade(t) == service.grading.PAGE + 1
        found = await t.gql('{ customers(where: {grade: {eq: "d"}}) { totalCount } }')
        assert found["customers"]["totalCount"] == service.grading.PAGE + 1
        assert await regrade(t, onlyDue=True) == 0


async def test_another_least_has_everybody_graded_again(engine: str) -> None:
    async with trial(engine) as t:
        anna = await arrive(t)
        await talk(t, anna)
        found = await t.gql(
            '{ grades(where: {series: {eq: "abcd"}, key: {eq: "b"}}) { nodes { id version } } }'
        )
        [grade] = found["grades"]["nodes"]
        document = mutation("updateGrade", "grade { atLeast label version }")
        given = {"atLeast": 20, "labels": [{"locale": "en", "text": "Good"}], **grade}
        done = await t.gql(document, input=given)
        assert done["updateGrade"]["grade"] == {"atLeast": 20, "label": "Good", "version": 2}
        # C wants more than B now, and 25 points reach it all the same.
        assert await score(t, anna) == (25, "c")
        await t.gql(document, input={"id": grade["id"], "atLeast": 24})
        await t.drain()
        [error] = await t.errors(document, input=given)
        assert (error["extensions"]["code"], error["extensions"]["reason"]) == (
            "CONFLICT",
            "grading.stale_version",
        )


async def test_a_series_of_ones_own(engine: str) -> None:
    async with trial(engine, grades="stars") as t:
        anna = await arrive(t)
        assert await score(t, anna) == (0, None)
        items = [
            {"series": "stars", "key": "two", "atLeast": 20},
            {"series": "stars", "key": "one", "atLeast": 0},
        ]
        await t.gql(
            "mutation ($items: [CreateGradeItem!]!) {"
            " createGrades(input: {items: $items}) { results { grade { id } } } }",
            items=items,
        )
        await t.drain()
        assert await score(t, anna) == (0, "one")
        await talk(t, anna)
        assert await score(t, anna) == (25, "two")


async def test_without_rules_nobody_is_graded(engine: str) -> None:
    async with crm(Grading, engine=engine) as t:
        anna = await arrive(t)
        await talk(t, anna)
        found = await graded(t, anna)
        assert (found["score"], found["grade"], found["grading"]["grade"]) == (0, None, None)
        assert found["gradeHistory"]["nodes"] == []


class Ear(sdk.Plugin):
    """Hears of grades."""

    name = "ear"
    version = "1.0"
    works_with = ("grading>=1",)
    heard: ClassVar[list[Any]] = []

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.on("grading.CustomersGraded")(hear)


async def hear(context: sdk.Context, event: Any) -> None:
    api = context.neighbour("grading")
    assert api is not None
    Ear.heard += [event.old_grades, event.new_grades, await api.grade_keys(context, event.ids)]


async def test_others_are_told_of_another_grade_and_of_no_other_score(engine: str) -> None:
    rules = {"talks": {**TALKS["talks"], "points": 10}}
    async with crm(Grading, Ear, config={"grading": {"rules": rules}}, engine=engine) as t:
        anna = await arrive(t)
        await talk(t, anna)
        Ear.heard.clear()
        await talk(t, anna)
        assert (await score(t, anna), Ear.heard) == ((20, "d"), [])
        await talk(t, anna)
        assert Ear.heard == [("d",), ("c",), {anna: "c"}]


BAD = [
    ("createGrade", {"series": "A B"}, "INVALID", "series"),
    ("createGrade", {"key": " "}, "INVALID", "key"),
    ("createGrade", {"atLeast": 1_000_001}, "INVALID", "atLeast"),
    ("createGrade", {"key": "a"}, "CONFLICT", "key"),
    ("createGrade", {"atLeast": 75}, "CONFLICT", "atLeast"),
    ("createGrade", {"labels": [{"locale": "??", "text": "A"}]}, "INVALID", "labels"),
    ("updateGrade", {"id": "grading_grade_01h455vb4pex5vsknk084sn02q"}, "NOT_FOUND", "id"),
    ("updateGrade", {"id": "customer_01h455vb4pex5vsknk084sn02q"}, "INVALID", "id"),
]


@pytest.mark.parametrize(("verb", "given", "code", "field"), BAD, ids=str)
async def test_a_bad_input_is_answered_with_its_field(
    verb: str, given: dict[str, Any], code: str, field: str, engine: str
) -> None:
    async with trial(engine) as t:
        usual = {"series": "abcd", "key": "e", "atLeast": -5} if verb == "createGrade" else {}
        [error] = await t.errors(mutation(verb, "grade { id }"), input={**usual, **given})
        assert error["extensions"]["code"] == code
        assert field in str(error["extensions"]["problems"][0]["field"])
        assert (await t.gql("{ grades { totalCount } }"))["grades"]["totalCount"] == 11


async def test_a_series_without_grades_cannot_be_graded_by(engine: str) -> None:
    async with trial(engine, grades="stars") as t:
        [error] = await t.errors(mutation("regradeCustomers", "customers"), input={})
        assert error["extensions"]["reason"] == "grading.no_grades"

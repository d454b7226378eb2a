from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import phonenumbers
import pytest

from crmkit.app import load_plugins, open_crm, schema_of
from crmkit.demo import names
from crmkit.demo.stories import STORIES
from crmkit.demo.year import Filled, fill
from crmkit.graph.endpoint import GraphQL
from crmkit.host import loading
from crmkit.host.demo import DemoPart
from crmkit.host.dispatch import Hooks
from crmkit.settings import Settings
from crmkit.values.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALL = ("orders", "loyalty", "referrals", "feedback", "tasks", "grading")

pytestmark = pytest.mark.anyio


class Company:
    """A demo company after its year."""

    def __init__(self, file: Path, customers: int, enabled: tuple[str, ...] = ALL) -> None:
        parts = {each.name: each.manifest.Demo.options for each in load_plugins(Settings()).plugins}
        plugins = {"enabled": enabled, **parts}
        database = {"url": f"sqlite:///{file}", "readers": 1}
        self.settings = Settings.model_validate({"database": database, "plugins": plugins})
        self.schema = schema_of(load_plugins(self.settings), self.settings)
        self.filled = asyncio.run(self._fill(customers))

    async def _fill(self, customers: int) -> Filled:
        return await fill(self.settings, self.schema, customers, NOW, lambda *_: None)

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        crm = await open_crm(self.settings, clock=ManualClock(NOW), schema=self.schema)
        answer = await GraphQL(crm.schema, crm.host).execute(document, variables=variables)
        await crm.close()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    async def one(self, name: str, fields: str) -> dict[str, Any]:
        """The one customer of this name."""
        document = f"""query ($name: String!) {{
          customers(where: {{name: {{eq: $name}}}}, first: 1) {{ nodes {{ {fields} }} }} }}"""
        [found] = (await self.ask(document, name=name))["customers"]["nodes"]
        return dict(found)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company(tmp_path_factory.mktemp("demo") / "crmkit.db", 24)


async def test_the_best_customer_leaves(company: Company) -> None:
    found = await company.one(
        "Friederike Achterberg",
        """orderCount stage { key } stays { nodes { stage { key } } }
        feedbackTickets { nodes { state reopenings solves { nodes { score } } } }
        tasks(where: {subject: {startsWith: "Win"}}) { nodes { state overdue } }
        orders { nodes { state lines { nodes { sku } } } }""",
    )
    assert found["stage"]["key"] == "customer"
    stays = [each["stage"]["key"] for each in found["stays"]["nodes"]]
    assert stays == ["customer", "loyal", "customer", "potential"]
    [ticket] = found["feedbackTickets"]["nodes"]
    assert (ticket["state"], ticket["reopenings"]) == ("OPEN", 2)
    assert [each["score"] for each in ticket["solves"]["nodes"]] == [1, None]
    assert found["tasks"]["nodes"] == [{"state": "OPEN", "overdue": True}]
    machine = found["orders"]["nodes"][0]
    assert machine == {"state": "REFUNDED", "lines": {"nodes": [{"sku": "ESPRESSO"}]}}


async def test_one_friend_brings_the_next(company: Company) -> None:
    chain = []
    for name in ("张伟", "章伟", "남현우"):
        found = await company.one(
            name,
            """referralsQualified referralsMade { nodes { state friend { name } } }""",
        )
        [referral] = found["referralsMade"]["nodes"]
        count = found["referralsQualified"]
        chain.append((referral["friend"]["name"], referral["state"], count))
    assert chain == [
        ("章伟", "REWARDED", 1),
        ("남현우", "REWARDED", 1),
        ("Δέσποινα Καρρά", "REVERSED", 0),
    ]


async def test_an_angry_ticket_is_solved(company: Company) -> None:
    found = await company.one(
        "Ruaridh Finlayson",
        """stage { key } organisations { nodes { role organisation { name } } }
        feedbackTickets { nodes {
          state priority reopenings firstResponseSeconds
          cause { ... on Order { lines { nodes { sku } } } }
          solves { nodes { score } }
          messages { nodes { audience } }
        } }""",
    )
    assert found["stage"]["key"] == "loyal"
    [relation] = found["organisations"]["nodes"]
    assert relation == {"role": "owner", "organisation": {"name": "Café Kolibri"}}
    [ticket] = found["feedbackTickets"]["nodes"]
    assert (ticket["state"], ticket["priority"], ticket["reopenings"]) == ("CLOSED", "urgent", 1)
    assert ticket["firstResponseSeconds"] == 39 * 60
    assert ticket["cause"]["lines"]["nodes"] == [{"sku": "ESPRESSO"}]
    assert [each["score"] for each in ticket["solves"]["nodes"]] == [5, 1]
    assert "INTERNAL" in [each["audience"] for each in ticket["messages"]["nodes"]]


async def test_a_company_finds_its_coffee(company: Company) -> None:
    found = await company.one(
        "株式会社やまびこ設計",
        """kind orderCount stage { key } people { nodes { role person { name } } }
        tasks(where: {rule: {isNull: true}}) { nodes { state interaction { channel { key } } } }""",
    )
    assert (found["kind"], found["orderCount"], found["stage"]["key"]) == (
        "ORGANISATION", 4, "loyal",
    )  # fmt: skip
    assert found["people"]["nodes"] == [{"role": "buyer", "person": {"name": "森田 千尋"}}]
    done = [
        (each["state"], each["interaction"]["channel"]["key"]) for each in found["tasks"]["nodes"]
    ]
    assert done == [("DONE", "letter"), ("DONE", "email")]


async def test_a_year_leaves_what_it_says(company: Company) -> None:
    found = await company.ask("""{
      customers { totalCount } orders { totalCount } interactions { totalCount }
      tickets { totalCount } referrals(where: {state: {ne: INVITED}}) { totalCount }
    }""")
    made = company.filled.made
    for kind in ("customers", "orders", "tickets", "referrals"):
        assert found[kind]["totalCount"] == made[kind], kind
    assert found["interactions"]["totalCount"] == made["interactions"] + made["tasks done"]
    story = {each.title: each.id for each in company.filled.stories}
    assert [*story] == [each.title for each in STORIES]
    assert len({*story.values()}) == len(STORIES)


async def test_everybody_has_a_grade_and_the_best_are_those_who_buy(company: Company) -> None:
    found = await company.ask("""{
      none: customers(where: {grade: {isNull: true}}) { totalCount }
      best: customers(orderBy: [SCORE_DESC], first: 3) { nodes { score grade orderCount } }
    }""")
    assert found["none"]["totalCount"] == 0
    for best in found["best"]["nodes"]:
        assert best["grade"] != "d"
        assert best["orderCount"] > 0


async def test_nothing_has_happened_after_today_or_before_the_year(company: Company) -> None:
    found = await company.ask("""{
      oldest: customers(orderBy: [CREATED_AT_ASC], first: 1) { nodes { createdAt } }
      newest: interactions(first: 1) { nodes { occurredAt } }
      order: orders(first: 1) { nodes { placedAt } }
    }""")
    assert found["oldest"]["nodes"][0]["createdAt"] >= "2025-11-22"
    assert found["newest"]["nodes"][0]["occurredAt"] <= "2026-11-22T12:00:00.000000Z"
    assert found["order"]["nodes"][0]["placedAt"] <= "2026-11-22T12"


@pytest.mark.parametrize("enabled", [(), ("feedback", "loyalty", "tasks"), ("referrals",)])
def test_whoever_is_absent_is_absent_from_the_story(
    tmp_path: Path, enabled: tuple[str, ...]
) -> None:
    filled = Company(tmp_path / "crmkit.db", 4, enabled).filled
    kinds = {"orders": "orders", "referrals": "referrals", "feedback": "tickets", "tasks": "tasks"}
    for plugin, kind in kinds.items():
        assert bool(filled.made.get(kind)) == (plugin in enabled), kind
    told = [each.title for each in STORIES if each.plugins <= {*enabled}]
    assert [each.title for each in filled.stories] == told


def test_two_companies_live_the_same_year(tmp_path: Path) -> None:
    made = [Company(tmp_path / f"{n}.db", 3, ("orders",)).filled.made for n in (1, 2)]
    assert made[0] == made[1]


def test_no_hook_is_too_slow_where_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "Hooks", partial(Hooks, limit=0))
    assert Company(tmp_path / "crmkit.db", 3, ("loyalty", "orders")).filled.made["customers"] > 3


def test_every_scene_can_be_played() -> None:
    plugins = load_plugins(Settings()).plugins
    known = {name for each in plugins for name in acts_of(each.manifest.Demo)}
    core = {"comes", "says", "hears", "moves", "works_for"}
    wanted = {scene.act for story in STORIES for scene in story.scenes}
    assert wanted <= known | core


def acts_of(part: type[DemoPart]) -> set[str]:
    return {*part(None).acts()}  # type: ignore[arg-type]


def test_numbers_are_possible_where_people_live_and_names_fit_into_addresses() -> None:
    assert len({each.locale.partition("-")[0] for each in names.LANGUAGES.values()}) >= 15
    for language in names.LANGUAGES.values():
        number = names.number(language, 7)
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number_for_region(parsed, language.region), language.locale
        for name in (*language.given, *language.family):
            assert name.latin.isascii()
            assert name.latin.isalpha(), name

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.host.actors import Actor, Rights
from crmkit.store.reach import Reach
from crmkit.testing import Trial, add_customers, crm
from tests.timelines.company import PLUGINS, bought, company, done, said
from tests.timelines.salon import Salon

pytestmark = pytest.mark.anyio

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.graphql"
CHAIN = """query ($id: ID!) { node(id: $id) { ... on TimelineEntry {
  causes { id } consequences { id } } } }"""


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with company(engine) as trial:
        yield trial


async def chain(t: Trial, id_: str) -> tuple[list[str], list[str]]:
    found = (await t.gql(CHAIN, id=id_))["node"]
    return tuple([each["id"] for each in found[way]] for way in ("causes", "consequences"))


async def loop(t: Trial, customer: str) -> list[str]:
    """What comes of a word of the customer, until the customer has the word again."""
    begun = await said(t, customer, subject="I need a lamp")
    due = {"subject": "Offer one", "dueAt": "2027-01-01T00:00:00Z"}
    task = await done(t, "createTask", "task", customerId=customer, causeId=begun, **due)
    order = await bought(t, customer, causeId=task)
    earned = await t.gql(
        "query ($id: ID!) { node(id: $id) { ... on Order { loyaltyEntries { nodes { id } } } } }",
        id=order,
    )
    [points] = [each["id"] for each in earned["node"]["loyaltyEntries"]["nodes"]]
    asked = {"channel": "web", "body": "Only 42 points?", "subject": "Points"}
    ticket = await done(t, "openTicket", "ticket", customerId=customer, causeId=points, **asked)
    solve = await _solved(t, ticket)
    again = await said(t, customer, subject="Sorry, and thank you", causeId=solve)
    return [begun, task, order, points, ticket, solve, again]


async def _solved(t: Trial, ticket: str) -> str:
    """The id of a solution that the customer rated badly."""
    person = await done(t, "createUser", "user", name="Ben", mail="ben@example.com")
    await done(t, "assignTicket", "ticket", ticketId=ticket, assigneeId=person)
    solved = await t.gql(
        "mutation ($id: ID!) { solveTicket(input: {ticketId: $id}) { solve { id ratingToken } } }",
        id=ticket,
    )
    solve = solved["solveTicket"]["solve"]
    await t.gql(
        "mutation ($token: String!) { rateTicket(input: {token: $token, score: 1}) { solve { id } } }",
        token=solve["ratingToken"],
    )
    return str(solve["id"])


async def test_a_loop_leads_from_a_word_through_all_plugins_to_the_next_word(t: Trial) -> None:
    [anna] = await add_customers(t, ["Anna"])
    story = await loop(t, anna)
    causes, consequences = await chain(t, story[0])
    # The step that the rating took the ticket stands beside the word that followed it.
    extra = [each for each in consequences if each not in story]
    assert [each.rpartition("_")[0] for each in extra] == ["feedback_change"]
    assert causes == []
    assert [each for each in consequences if each in story] == story[1:]
    causes, consequences = await chain(t, story[-1])
    assert causes == story[-2::-1]
    assert consequences == []
    causes, consequences = await chain(t, story[2])
    assert causes == [story[1], story[0]]


WAY = ["GradeChange", "Task", "Order", "Ticket", "Interaction"]
WHAT_CAME = f"""query ($id: ID!) {{ node(id: $id) {{ ... on Interaction {{ consequences {{
  __typename id {" ".join(f"... on {kind} {{ cause {{ id }} }}" for kind in WAY)} }} }} }} }}"""


async def test_a_word_scores_and_handlers_lead_it_through_every_plugin_to_the_next_word(
    engine: str,
) -> None:
    talks = {"group": "engagement", "events": ["interaction"], "points": 100}
    offer = {"subject": "Make an offer", "grades": ["a"], "every_days": 1}
    config = {"grading": {"rules": {"talks": talks}}, "tasks": {"rules": {"offer": offer}}}
    async with crm(*PLUGINS, Salon, engine=engine, config=config) as t:
        [anna] = await add_customers(t, ["Anna"])
        begun = await said(t, anna)
        await t.drain()
        t.clock.move(days=2)
        await t.drain()
        found = (await t.gql(WHAT_CAME, id=begun))["node"]["consequences"]
    told = {each["id"]: each for each in found}
    [step] = [each for each in found if each["__typename"] == "Interaction"]
    way = [step]
    while (cause := step["cause"]["id"]) != begun:
        step = told[cause]
        way.insert(0, step)
    assert [each["__typename"] for each in way] == WAY


async def test_a_chain_ends_where_the_reach_of_the_actor_ends(t: Trial) -> None:
    anna, bob = await add_customers(t, ["Anna", "Bob"])
    begun = await said(t, anna)
    theirs = await bought(t, bob, causeId=begun)
    mine = await bought(t, anna, causeId=begun)
    assert {theirs, mine} <= {*(await chain(t, begun))[1]}
    await t.gql(
        "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }", id=bob
    )
    there = (await chain(t, begun))[1]
    assert mine in there
    assert theirs not in there
    t.actor = Actor(
        "somebody",
        "user",
        rights=Rights(frozenset(), Reach(refused=frozenset({"orders.order.read"}))),
    )
    assert (await chain(t, begun))[1] == []


async def test_a_chain_has_an_end(t: Trial) -> None:
    [anna] = await add_customers(t, ["Anna"])
    links = [await said(t, anna)]
    for _ in range(22):
        links.append(await said(t, anna, causeId=links[-1]))
    assert (await chain(t, links[0]))[1] == links[1:21]
    assert (await chain(t, links[-1]))[0] == links[-2:1:-1]
    wide = await said(t, anna)
    item = {"customerId": anna, "channel": "email", "direction": "INBOUND", "kind": "note"}
    many = [{**item, "causeId": wide}] * 101
    await t.gql(
        "mutation ($items: [RecordInteractionItem!]!) "
        "{ recordInteractions(input: {items: $items}) { results { index } } }",
        items=many,
    )
    assert len((await chain(t, wide))[1]) == 100


async def test_one_query_answers_the_whole_customer(t: Trial) -> None:
    [anna] = await add_customers(t, ["Anna"])
    counts = []
    for _ in range(2):
        await loop_again(t, anna)
        asked = QUICKSTART.read_text(encoding="utf-8").partition("query WholeCustomer")[2]
        query = ("query WholeCustomer" + asked.partition("\n}\n")[0] + "\n}").replace(
            "timeline(first: 10,", "timeline(first: 50,"
        )
        await t.drain()
        with t.statements() as sent:
            found = await t.gql(query)
        counts.append(len(sent))
    [whole] = found["customers"]["nodes"]
    assert counts[0] == counts[1] <= 14
    kinds = {each["__typename"] for each in whole["timeline"]["nodes"]}
    assert kinds == {"Interaction", "Order", "StageStay", "Ticket"}
    [why] = whole["grading"]["contributions"]
    assert (why["rule"], why["points"]) == ("buys", whole["score"])
    assert whole["loyaltyPoints"] == "84"
    assert {each["state"] for each in whole["referralsMade"]["nodes"]} == {"INVITED"}
    assert [each["subject"] for each in whole["feedbackTickets"]["nodes"]] == ["Parcel", "Parcel"]
    assert [each["subject"] for each in whole["tasks"]["nodes"]] == ["Call back"]


async def loop_again(t: Trial, customer: str) -> None:
    """One more thing of every kind."""
    await said(t, customer)
    await bought(t, customer)
    due: dict[str, Any] = {"subject": "Call back", "dueAt": "2027-01-01T00:00:00Z"}
    await done(t, "createTask", "task", customerId=customer, **due)
    ticket = {"channel": "web", "body": "Where is it?", "subject": "Parcel"}
    await done(t, "openTicket", "ticket", customerId=customer, **ticket)
    issued = await t.gql(
        "mutation ($id: ID!) { issueReferralCode(input: {customerId: $id}) { code } }", id=customer
    )
    code = issued["issueReferralCode"]["code"]
    number = (await t.gql("{ referrals { totalCount } }"))["referrals"]["totalCount"]
    friend = f"friend{number}@example.com"
    await done(t, "inviteReferral", "referral", code=code, email=friend)

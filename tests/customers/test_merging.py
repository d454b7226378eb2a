from __future__ import annotations

from typing import Any

import pytest

from crmkit.app import open_crm
from crmkit.host.manifest import Plugin
from crmkit.settings import Settings
from crmkit.store.verification import Verification
from crmkit.testing import Trial
from crmkit_orders.plugin import Orders
from tests.customers.conftest import Office
from tests.plugins.shop import buy

pytestmark = pytest.mark.anyio

MERGED = "customer { id name } mergedCustomerIds"


async def merge(office: Any, winner: str, *losers: str, **given: Any) -> Any:
    return await office.do("mergeCustomers", MERGED, winnerId=winner, loserIds=losers, **given)


async def pair(office: Any) -> tuple[str, str]:
    return await office.create("Ada"), await office.create("Ada L.")


async def test_who_is_merged_is_gone_and_means_the_winner_for_ever(office: Any) -> None:
    winner, loser = await pair(office)
    done = await merge(office, winner, loser)
    assert done == {"customer": {"id": winner, "name": "Ada"}, "mergedCustomerIds": [loser]}
    asked = """query($id: ID!, $both: [ID!]!) {
      node(id: $id) { id } nodes(ids: $both) { id }
      customers(where: {id: {eq: $id}}) { nodes { id } }
      stats: customerStats { count }
    }"""
    found = await office.t.gql(asked, id=loser, both=[loser, winner])
    assert found == {
        "node": {"id": winner},
        "nodes": [{"id": winner}, {"id": winner}],
        "customers": {"nodes": [{"id": winner}]},
        "stats": {"count": 1},
    }


async def test_inputs_that_name_the_loser_mean_the_winner(office: Any) -> None:
    winner, loser = await pair(office)
    await merge(office, winner, loser)
    await office.do("updateCustomer", id=loser, source="fair")
    said = {"channel": "email", "direction": "INBOUND", "kind": "question"}
    await office.do("recordInteraction", customerId=loser, **said)
    items = [{"customerId": loser, **said}, {"customerId": winner, **said}]
    await office.do("recordInteractions", items=items)
    fields = "source interactions { totalCount }"
    assert await office.customer(winner, fields) == {
        "source": "fair",
        "interactions": {"totalCount": 3},
    }


async def test_aliases_are_kept_flat(office: Any) -> None:
    a, b, c = [await office.create(name) for name in "ABC"]
    await merge(office, b, a)
    await merge(office, c, b)
    with office.t.statements() as sent:
        assert await office.customer(a, "id name") == {"id": c, "name": "C"}
    assert len(sent) == 3  # Of an old id: it is not there, what it has become, and that.


async def test_several_are_merged_at_once(office: Any) -> None:
    ids = [await office.create(name) for name in "ABCD"]
    done = await merge(office, ids[0], *ids[1:])
    assert done["mergedCustomerIds"] == ids[1:]
    assert (await office.t.gql("{ customers { totalCount } }"))["customers"]["totalCount"] == 1


async def test_what_both_have_is_there_once_and_the_winner_says_which_to_use(office: Any) -> None:
    winner = await office.create(
        emails=[{"address": "a@example.com"}], phones=[{"number": "+4930901820"}]
    )
    loser = await office.create(
        emails=[{"address": "A@example.com"}, {"address": "b@example.com"}],
        externalIds=[{"source": "shop", "externalId": "7"}],
        source="fair",
    )
    for who in (winner, loser):
        await office.do("createTag", key=f"tag_{who[-3:]}", labels=[])
        await office.do("tagCustomer", customerId=who, tags=[f"tag_{winner[-3:]}"])
    await merge(office, winner, loser)
    fields = "source emails { address isPrimary } phones { isPrimary } externalIds { externalId }"
    assert await office.customer(winner, fields + " tags { tag { key } }") == {
        "source": "fair",
        "emails": [
            {"address": "a@example.com", "isPrimary": True},
            {"address": "b@example.com", "isPrimary": False},
        ],
        "phones": [{"isPrimary": True}],
        "externalIds": [{"externalId": "7"}],
        "tags": [{"tag": {"key": f"tag_{winner[-3:]}"}}],
    }


async def test_history_is_of_both_and_the_winner_stands_where_they_stood(office: Any) -> None:
    winner, loser = await pair(office)
    await office.do("moveCustomer", id=loser, stageId=await office.stage("intent"))
    await merge(office, winner, loser)
    found = await office.customer(winner, "stage { key } stays { nodes { leftAt } }")
    assert found["stage"] == {"key": "potential"}
    assert [each["leftAt"] is None for each in found["stays"]["nodes"]].count(True) == 1
    assert len(found["stays"]["nodes"]) == 3


async def test_relations_are_folded_and_nobody_is_related_to_themselves(office: Any) -> None:
    winner, loser = await pair(office)
    firm = await office.create("Firm", kind="ORGANISATION")
    for who in (winner, loser):
        await office.do("relateCustomer", fromId=who, toId=firm, role="employee")
    await office.do("relateCustomer", fromId=winner, toId=loser, role="friend")
    await merge(office, winner, loser)
    found = await office.customer(winner, "relations { nodes { to { id } } }")
    assert found["relations"]["nodes"] == [{"to": {"id": firm}}]


async def test_nobody_is_merged_with_themselves_nor_twice(office: Any) -> None:
    winner, loser = await pair(office)
    said = await office.fail("mergeCustomers", winnerId=winner, loserIds=[winner])
    assert said["reason"] == "core.same_customer"
    await merge(office, winner, loser)
    for one, other in ((winner, loser), (loser, winner)):
        said = await office.fail("mergeCustomers", winnerId=one, loserIds=[other])
        assert (said["reason"], said["problems"][0]["field"]) == (
            "core.same_customer",
            ["input", "loserIds", 0],
        )


async def test_who_is_not_there_or_of_another_kind_is_refused(office: Any) -> None:
    winner, loser = await pair(office)
    await office.do("deleteCustomer", id=loser)
    said = await office.fail("mergeCustomers", winnerId=winner, loserIds=[loser])
    assert (said["code"], said["problems"][0]["field"]) == ("NOT_FOUND", ["input", "loserIds", 0])
    firm = await office.create("Firm", kind="ORGANISATION")
    said = await office.fail("mergeCustomers", winnerId=winner, loserIds=[firm])
    assert said["reason"] == "core.kinds_differ"
    said = await office.fail("mergeCustomers", winnerId=winner, loserIds=[firm], version=7)
    assert said["reason"] == "core.stale_version"


async def test_a_key_makes_merging_safe_to_repeat(office: Any) -> None:
    winner, loser = await pair(office)
    first = await merge(office, winner, loser, idempotencyKey="once")
    assert await merge(office, winner, loser, idempotencyKey="once") == first


async def test_a_repeated_creation_answers_with_who_the_customer_is_now(office: Any) -> None:
    winner = await office.create()
    loser = await office.create("Bea", idempotencyKey="once")
    await merge(office, winner, loser)
    assert await office.create("Bea", idempotencyKey="once") == winner


async def test_cursors_stay_valid_when_their_customer_is_merged(office: Any) -> None:
    a, b, c = [await office.create(name) for name in "ABC"]
    page = "query($after: String) { customers(first: 2, after: $after, orderBy: [NAME_ASC]) "
    page += "{ nodes { id } pageInfo { endCursor } } }"
    first = (await office.t.gql(page))["customers"]
    await merge(office, a, b)
    rest = (await office.t.gql(page, after=first["pageInfo"]["endCursor"]))["customers"]
    assert rest["nodes"] == [{"id": c}]


async def test_a_repeat_of_what_was_said_of_the_loser_is_answered_as_it_was(office: Any) -> None:
    winner, loser = await pair(office)
    said = {"channel": "email", "direction": "INBOUND", "kind": "note", "idempotencyKey": "once"}
    asked = "interaction { id customer { id } }"
    first = await office.do("recordInteraction", asked, customerId=loser, **said)
    await merge(office, winner, loser)
    again = await office.do("recordInteraction", asked, customerId=loser, **said)
    assert again["interaction"] == {**first["interaction"], "customer": {"id": winner}}
    found = await office.customer(winner, "interactions { totalCount }")
    assert found == {"interactions": {"totalCount": 1}}
    said = await office.fail("recordInteraction", customerId=winner, **{**said, "kind": "question"})
    assert said["code"] == "IDEMPOTENCY_MISMATCH"


async def test_nobody_sees_by_an_old_id_whom_he_does_not_see(office: Any) -> None:
    north, south = [await team(office, name) for name in ("North", "South")]
    winner, loser = await office.create(teamId=north), await office.create(teamId=south)
    office.t.become("manager", team=south, scope="team")
    said = await office.fail("mergeCustomers", winnerId=winner, loserIds=[loser])
    assert (said["code"], said["problems"][0]["field"]) == ("NOT_FOUND", ["input", "winnerId"])
    office.t.become("admin")
    await merge(office, winner, loser)
    asked = """query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id }
      customers(where: {id: {eq: $id}}) { nodes { id } } }"""
    for mine, seen in ((south, []), (north, [{"id": winner}])):
        office.t.become("manager", team=mine, scope="team")
        assert await office.t.gql(asked, id=loser) == {
            "node": seen[0] if seen else None,
            "nodes": seen or [None],
            "customers": {"nodes": seen},
        }
    office.t.become("manager", team=south, scope="team")
    for verb, given in (("updateCustomer", {"source": "fair"}), ("deleteCustomer", {})):
        assert (await office.fail(verb, id=loser, **given))["code"] == "NOT_FOUND"


async def test_the_audit_of_the_loser_is_the_history_of_the_winner(office: Any) -> None:
    north, south = [await team(office, name) for name in ("North", "South")]
    winner, loser = await office.create(teamId=north), await office.create(teamId=south)
    await office.do("updateCustomer", id=loser, source="fair")
    await office.t.host.sealer.drain()
    await merge(office, winner, loser)
    await office.t.host.sealer.drain()
    told = "history { nodes { operation record { id } changes { record act } } }"
    nodes = (await office.customer(winner, told))["history"]["nodes"]
    operations = [each["operation"] for each in nodes]
    assert operations == ["mergeCustomers", "updateCustomer", "createCustomer", "createCustomer"]
    # What was written of them says still who they were, because its seal holds that.
    assert {each["record"] for each in nodes[1]["changes"]} == {loser}
    host = office.t.host
    assert (await Verification(host.database, host.auditor, host.sealer).run()).faults == []
    asked = '{ auditEntries(where: {operation: {eq: "updateCustomer"}}) { totalCount } }'
    for mine, count in ((south, 0), (north, 1)):
        office.t.become("admin", team=mine, scope="team")
        assert await office.t.gql(asked) == {"auditEntries": {"totalCount": count}}


@pytest.mark.parametrize("plugins", [(Orders,)])
async def test_rows_of_a_plugin_that_is_absent_refuse_the_merge(
    office: Any, plugins: tuple[type[Plugin], ...]
) -> None:
    winner, loser = await pair(office)
    await buy(office.t, loser)
    settings = {"database": {"url": office.t.host.settings.database.url, "pool_size": 2}}
    alone = await open_crm(Settings.model_validate(settings), plugins=(), clock=office.t.clock)
    try:
        without = Office(Trial(alone, office.t.clock))
        said = await without.fail("mergeCustomers", winnerId=winner, loserIds=[loser])
        assert said["reason"] == "core.rows_of_absent_plugin"
        assert await without.customer(loser, "id") == {"id": loser}
        # The other way round nothing of the plugin would have to be moved.
        await merge(without, loser, winner)
    finally:
        await alone.close()
    found = await office.customer(winner, "id orders { totalCount }")
    assert found == {"id": loser, "orders": {"totalCount": 1}}


async def team(office: Any, name: str) -> str:
    return str((await office.do("createTeam", "team { id }", name=name))["team"]["id"])

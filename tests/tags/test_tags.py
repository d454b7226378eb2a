from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit import sdk
from crmkit.testing import add_customers, crm

if TYPE_CHECKING:
    from crmkit.host.context import Context

pytestmark = pytest.mark.anyio

VIP = [{"locale": "en", "text": "Very important"}, {"locale": "de", "text": "Sehr wichtig"}]


async def test_a_tag_has_labels_a_colour_and_a_description(board: Any) -> None:
    made = await board.do(
        "createTag",
        'tag { id key label german: label(locale: "de") colour description retiredAt version }',
        key="vip",
        labels=VIP,
        colour="#D97706",
        description=" Spends a lot. ",
    )
    id_ = made["tag"].pop("id")
    assert made["tag"] == {
        "key": "vip",
        "label": "Very important",
        "german": "Sehr wichtig",
        "colour": "#d97706",
        "description": "Spends a lot.",
        "retiredAt": None,
        "version": 1,
    }
    labels = [{"locale": "en", "text": "Darlings"}]
    changed = await board.do(
        "updateTag", "tag { label colour description version }", id=id_, labels=labels, colour=None
    )
    assert changed["tag"] == {
        "label": "Darlings",
        "colour": None,
        "description": "Spends a lot.",
        "version": 2,
    }
    same = {"id": id_, "labels": labels}
    done = await board.do("updateTags", "results { outcome }", items=[same, {**same, "labels": []}])
    assert [each["outcome"] for each in done["results"]] == ["UNCHANGED", "UPDATED"]


async def test_pinning_twice_changes_nothing(board: Any) -> None:
    await board.tag("vip")
    await board.tag("fair")
    ada, bo = await board.customers("Ada", "Bo")
    item = {"customerId": ada, "tags": ["vip"]}
    assert await board.pin(item, item, {"customerId": bo, "tags": ["fair", "vip"]}) == [
        "UPDATED",
        "UNCHANGED",
        "UPDATED",
    ]
    assert await board.pin(item, {"customerId": ada, "tags": ["vip", "fair"]}) == [
        "UNCHANGED",
        "UPDATED",
    ]
    assert await board.tags_of(ada) == ["vip", "fair"]
    off = {"customerId": ada, "tags": ["vip", "fair"]}
    assert await board.pin(off, off, verb="untagCustomers") == ["UPDATED", "UNCHANGED"]
    assert await board.tags_of(ada) == []
    assert await board.tags_of(bo) == ["fair", "vip"]


async def test_one_customer_is_tagged_by_a_mutation_of_one(board: Any) -> None:
    await board.tag("vip", labels=VIP)
    [ada] = await board.customers("Ada")
    board.t.clock.move(hours=1)
    fields = "customer { name version tags { actor createdAt tag { label } } }"
    tagged = await board.do("tagCustomer", fields, customerId=ada, tags=["vip"])
    assert tagged["customer"] == {
        "name": "Ada",
        "version": 1,
        "tags": [
            {
                "actor": "system",
                "createdAt": "2026-01-01T01:00:00.000000Z",
                "tag": {"label": "Very important"},
            }
        ],
    }
    untagged = await board.do("untagCustomer", fields, customerId=ada, tags=["vip"])
    assert untagged["customer"]["tags"] == []


async def test_a_retired_tag_stays_with_those_who_have_it_and_goes_to_nobody_else(
    board: Any,
) -> None:
    vip = await board.tag("vip")
    ada, bo = await board.customers("Ada", "Bo")
    has = {"customerId": ada, "tags": ["vip"]}
    await board.pin(has)
    board.t.clock.move(days=1)
    retired = (await board.do("retireTag", "tag { retiredAt version }", id=vip))["tag"]
    assert retired == {"retiredAt": "2026-01-02T00:00:00.000000Z", "version": 2}
    board.t.clock.move(days=1)
    again = await board.do(
        "retireTags", "results { outcome tag { retiredAt } }", items=[{"id": vip}]
    )
    assert again["results"] == [
        {"outcome": "UNCHANGED", "tag": {"retiredAt": "2026-01-02T00:00:00.000000Z"}}
    ]
    assert await board.fail("tagCustomer", customerId=bo, tags=["vip"]) == (
        "REFUSED",
        ["input", "tags", 0],
        "core.retired",
    )
    assert await board.pin(has) == ["UNCHANGED"]
    offered = await board.t.gql("{ tags(where: {retiredAt: {isNull: true}}) { totalCount } }")
    assert offered["tags"]["totalCount"] == 0
    assert await board.pin(has, verb="untagCustomers") == ["UPDATED"]
    back = await board.do("reinstateTag", "tag { retiredAt }", id=vip)
    assert back["tag"] == {"retiredAt": None}
    assert await board.pin({"customerId": bo, "tags": ["vip"]}) == ["UPDATED"]


async def test_customers_are_found_and_counted_by_their_tags(board: Any) -> None:
    for key in ("fair", "unused", "vip"):
        await board.tag(key)
    ada, bo, cy = await board.customers("Ada", "Bo", "Cy")
    await board.pin(
        {"customerId": ada, "tags": ["vip", "fair"]},
        {"customerId": bo, "tags": ["fair"]},
        {"customerId": cy, "tags": ["fair"]},
    )
    found = {
        '{tags: {some: {tag: {key: {eq: "vip"}}}}}': ["Ada"],
        '{tags: {some: {tag: {key: {in: ["vip", "fair"]}}}}}': ["Ada", "Bo", "Cy"],
        '{tags: {none: {tag: {key: {eq: "vip"}}}}}': ["Bo", "Cy"],
        "{tags: {count: {gte: 2}}}": ["Ada"],
    }
    for where, names in found.items():
        page = await board.t.gql(
            f"{{ customers(where: {where}, orderBy: [NAME_ASC]) {{ nodes {{ name }} }} }}"
        )
        assert [each["name"] for each in page["customers"]["nodes"]] == names, where
    await board.t.gql(
        "mutation($id: ID!) { deleteCustomer(input: {id: $id}) { deletedCustomerId } }", id=cy
    )
    with board.t.statements() as sent:
        counted = await board.t.gql(
            "{ tags(orderBy: [CUSTOMER_COUNT_DESC]) { nodes { key customerCount } } }"
        )
    assert [(each["key"], each["customerCount"]) for each in counted["tags"]["nodes"]] == [
        ("fair", 2),
        ("vip", 1),
        ("unused", 0),
    ]
    assert len(sent) == 1
    who = await board.t.gql("""{ tags(where: {key: {eq: "fair"}}) { nodes {
        customers(first: 5) { totalCount nodes { customer { name } } }
    } } }""")
    assert who["tags"]["nodes"][0]["customers"]["totalCount"] == 2


async def test_a_bad_input_is_named_and_changes_nothing(board: Any) -> None:
    vip = await board.tag("vip")
    [ada] = await board.customers("Ada")
    twice = [{"locale": "en", "text": each} for each in "ab"]
    nobody = "customer_01h455vb4pex5vsknk084sn02q"
    cases: list[tuple[str, dict[str, Any], str, list[str | int]]] = [
        ("createTag", {"key": "Not A Key"}, "INVALID", ["key"]),
        ("createTag", {"key": "x", "colour": "red"}, "INVALID", ["colour"]),
        ("createTag", {"key": "x", "description": "x" * 501}, "INVALID", ["description"]),
        ("createTag", {"key": "x", "labels": twice}, "INVALID", ["labels", 1, "locale"]),
        ("createTag", {"key": "vip"}, "CONFLICT", ["key"]),
        ("updateTag", {"id": vip, "version": 9, "colour": None}, "CONFLICT", ["version"]),
        ("updateTag", {"id": vip, "colour": "#12345"}, "INVALID", ["colour"]),
        ("updateTag", {"id": vip, "labels": twice}, "INVALID", ["labels", 1, "locale"]),
        ("updateTag", {"id": ada}, "INVALID", ["id"]),
        ("retireTag", {"id": vip, "version": 9}, "CONFLICT", ["version"]),
        ("tagCustomer", {"customerId": ada, "tags": []}, "INVALID", ["tags"]),
        ("tagCustomer", {"customerId": ada, "tags": ["vip", "no"]}, "INVALID", ["tags", 1]),
        ("tagCustomer", {"customerId": ada, "tags": ["vip", "vip"]}, "INVALID", ["tags", 1]),
        ("tagCustomer", {"customerId": nobody, "tags": ["vip"]}, "NOT_FOUND", ["customerId"]),
        ("untagCustomer", {"customerId": ada, "tags": ["no"]}, "INVALID", ["tags", 0]),
        ("untagCustomer", {"customerId": vip, "tags": ["vip"]}, "INVALID", ["customerId"]),
    ]
    for verb, given_, code, field in cases:
        said = await board.fail(verb, **given_)
        assert said[:2] == (code, ["input", *field]), (verb, given_)
    found = await board.t.gql("{ tags { nodes { version customerCount } } }")
    assert found["tags"]["nodes"] == [{"version": 1, "customerCount": 0}]


async def test_a_customer_has_no_more_tags_than_are_shown(board: Any) -> None:
    await board.do("createTags", items=[{"key": f"t{n}"} for n in range(101)])
    [ada] = await board.customers("Ada")
    keys = [f"t{n}" for n in range(100)]
    for first in range(0, 100, 20):
        await board.pin({"customerId": ada, "tags": keys[first : first + 20]})
    assert len(await board.tags_of(ada)) == 100
    assert await board.fail("tagCustomer", customerId=ada, tags=["t100"]) == (
        "REFUSED",
        ["input", "tags"],
        "core.too_many_tags",
    )


async def test_of_many_those_that_are_refused_are_left_out(board: Any) -> None:
    await board.tag("vip")
    ada, bo = await board.customers("Ada", "Bo")
    done = await board.do(
        "tagCustomers",
        "results { outcome error { code problems { field } } }",
        onError="SKIP",
        items=[{"customerId": ada, "tags": ["vip"]}, {"customerId": bo, "tags": ["nothing"]}],
    )
    assert [each["outcome"] for each in done["results"]] == ["UPDATED", "REJECTED"]
    assert done["results"][1]["error"]["problems"][0]["field"] == [
        "input",
        "items",
        "1",
        "tags",
        "0",
    ]
    assert await board.tags_of(ada) == ["vip"]


async def test_many_customers_take_as_many_statements_as_a_few(board: Any) -> None:
    await board.tag("vip")
    await board.tag("fair")
    sent = []
    for number in (2, 40):
        ids = await board.customers(*[f"C{n}" for n in range(number)])
        items = [{"customerId": who, "tags": ["vip", "fair"]} for who in ids]
        with board.t.statements() as statements:
            await board.pin(*items)
            await board.t.gql("{ customers(first: 50) { nodes { tags { tag { label } } } } }")
            await board.t.gql("{ tags { nodes { customerCount customers { totalCount } } } }")
            await board.pin(*items, verb="untagCustomers")
        sent.append(len(statements))
    assert sent[0] == sent[1]


async def test_a_plugin_tags_customers_in_its_own_unit(board: Any) -> None:
    await board.tag("vip")
    [ada] = await board.customers("Ada")

    async def body(context: Context[Any]) -> None:
        await sdk.tags.tag(context, [sdk.TagCustomer(ada, ["vip"])])

    await board.t.unit(body)
    assert await board.tags_of(ada) == ["vip"]


_pins = st.lists(
    st.tuples(
        st.sampled_from(["tagCustomers", "untagCustomers"]),
        st.lists(
            st.tuples(st.integers(0, 2), st.sets(st.sampled_from("abc"), min_size=1)),
            min_size=1,
            max_size=4,
        ),
    ),
    max_size=5,
)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_pins)
async def test_what_a_customer_has_is_what_was_pinned_and_not_taken_off(
    engine: str, pins: list[tuple[str, list[tuple[int, set[str]]]]]
) -> None:
    item = "items: $i"
    async with crm(engine=engine) as t:
        await t.gql(
            "mutation($i: [CreateTagItem!]!) { createTags(input: {items: $i}) { __typename } }",
            i=[{"key": each} for each in "abc"],
        )
        who = await add_customers(t, ["A", "B", "C"])
        have: list[set[str]] = [set(), set(), set()]
        for verb, items in pins:
            kind = verb[0].upper() + verb[1:-1] + "Item"
            done = await t.gql(
                f"mutation($i: [{kind}!]!) {{ {verb}(input: {{{item}}}) {{ results {{ outcome }} }} }}",
                i=[{"customerId": who[place], "tags": sorted(keys)} for place, keys in items],
            )
            for (place, keys), said in zip(items, done[verb]["results"], strict=True):
                after = have[place] | keys if verb == "tagCustomers" else have[place] - keys
                changed = "UNCHANGED" if after == have[place] else "UPDATED"
                assert said == {"outcome": changed}
                have[place] = after
        found = await t.gql(
            "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { tags { tag { key } } } } }",
            ids=who,
        )
    shown = [{one["tag"]["key"] for one in each["tags"]} for each in found["nodes"]]
    assert shown == have

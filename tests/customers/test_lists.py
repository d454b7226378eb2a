from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio


async def names(office: Any, where: str = "{}", order: str = "NAME_ASC") -> list[str]:
    query = f"{{ customers(where: {where}, orderBy: [{order}]) {{ nodes {{ name }} }} }}"
    return [each["name"] for each in (await office.t.gql(query))["customers"]["nodes"]]


async def test_customers_are_found_by_what_is_known_of_them(office: Any) -> None:
    team = (await office.do("createTeam", "team { id }", name="North"))["team"]["id"]
    user = await office.do(
        "createUser",
        "user { id team { name } mail }",
        name="Uma",
        mail="Uma@Example.com",
        teamId=team,
    )
    assert user["user"]["team"] == {"name": "North"}
    assert user["user"]["mail"] == "uma@example.com"
    owner = {"ownerId": user["user"]["id"], "teamId": team}
    await office.create("Ada", source="Fair", emails=[{"address": "ada@example.com"}], **owner)
    await office.create("Acme", kind="ORGANISATION", phones=[{"number": "030 1234567"}])
    await office.create("张伟", externalIds=[{"source": "shop", "externalId": "7"}])
    found = {
        '{name: {startsWith: "a"}}': ["Acme", "Ada"],
        '{name: {contains: "zhang"}}': ["张伟"],
        "{kind: {eq: ORGANISATION}}": ["Acme"],
        '{source: {eq: "FAIR"}}': ["Ada"],
        '{owner: {name: {eq: "Uma"}}}': ["Ada"],
        '{team: {name: {eq: "north"}}}': ["Ada"],
        '{stage: {key: {eq: "potential"}}}': ["Acme", "Ada", "张伟"],
        '{emails: {some: {address: {eq: "ADA@example.com"}}}}': ["Ada"],
        '{phones: {some: {number: {eq: "+49301234567"}}}}': ["Acme"],
        '{externalIds: {some: {source: {eq: "shop"}, externalId: {eq: "7"}}}}': ["张伟"],
        "{emails: {none: {}}}": ["Acme", "张伟"],
    }
    assert {where: await names(office, where) for where in found} == found


async def test_customers_are_sorted_by_what_is_known_of_them(office: Any) -> None:
    await office.create("Bob", source="web")
    office.t.clock.move(hours=1)
    await office.create("Ada", kind="ORGANISATION")
    orders = {
        "CREATED_AT_DESC": ["Ada", "Bob"],
        "UPDATED_AT_ASC": ["Bob", "Ada"],
        "SOURCE_ASC": ["Bob", "Ada"],
        "KIND_ASC": ["Ada", "Bob"],
    }
    assert {order: await names(office, order=order) for order in orders} == orders


async def test_a_list_takes_as_many_statements_for_many_customers_as_for_few(office: Any) -> None:
    sent = []
    for number in (5, 45):
        await office.do(
            "createCustomers",
            items=[
                {
                    "name": f"C{n}",
                    "emails": [{"address": f"{k}{n}@example.com"} for k in "ab"],
                    "phones": [{"number": f"030 12345{k}{n:02}"} for k in "12"],
                    "externalIds": [
                        {"source": k + str(number), "externalId": str(n)} for k in "ab"
                    ],
                }
                for n in range(number)
            ],
        )
        with office.t.statements() as statements:
            page = await office.t.gql("""{ customers(first: 50) { totalCount nodes {
                name stage { key label } owner { name } emails { address } phones { number }
                externalIds { externalId } stays { nodes { stage { key } } }
                organisations { totalCount } people { nodes { person { name } } }
            } } }""")
        assert all(len(each["emails"]) == 2 for each in page["customers"]["nodes"])
        sent.append(len(statements))
    assert page["customers"]["totalCount"] == 50
    assert sent[0] == sent[1]

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


async def test_a_customer_comes_with_every_way_to_reach_them(t: Trial) -> None:
    made = await t.gql("""
        mutation {
          createCustomer(input: {
            givenName: "Ada", familyName: "Lovelace", source: "fair", zone: "Europe/London",
            emails: [{address: "ada@EXAMPLE.com", label: "work"}, {address: "al@example.com", primary: true}],
            phones: [{number: "030 1234567"}],
            externalIds: [{source: "shop", externalId: "7"}]
          }) {
            customer {
              name kind source version stage { key }
              emails { address given label isPrimary } phones { number given isPrimary }
              externalIds { source externalId } stays { nodes { stage { key } leftAt actor } }
            }
          }
        }""")
    assert made["createCustomer"]["customer"] == {
        "name": "Ada Lovelace",
        "kind": "PERSON",
        "source": "fair",
        "version": 1,
        "stage": {"key": "potential"},
        "emails": [
            {
                "address": "al@example.com",
                "given": "al@example.com",
                "label": None,
                "isPrimary": True,
            },
            {
                "address": "ada@example.com",
                "given": "ada@EXAMPLE.com",
                "label": "work",
                "isPrimary": False,
            },
        ],
        "phones": [{"number": "+49301234567", "given": "030 1234567", "isPrimary": True}],
        "externalIds": [{"source": "shop", "externalId": "7"}],
        "stays": {"nodes": [{"stage": {"key": "potential"}, "leftAt": None, "actor": "system"}]},
    }


async def test_chinese_names_put_the_family_first(office: Any) -> None:
    who = await office.create("", givenName="伟", familyName="张")
    assert await office.customer(who, "name") == {"name": "张伟"}


async def test_the_first_contact_is_the_one_to_use(office: Any) -> None:
    who = await office.create(emails=[{"address": "a@example.com"}, {"address": "b@example.com"}])
    found = await office.customer(who, "emails { address isPrimary }")
    assert found["emails"] == [
        {"address": "a@example.com", "isPrimary": True},
        {"address": "b@example.com", "isPrimary": False},
    ]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"locale": "xx_yy_zz"}, ["locale"]),
        ({"zone": "Mars/Base"}, ["zone"]),
        ({"emails": [{"address": "nobody"}]}, ["emails", 0, "address"]),
        ({"emails": [{"address": "a@example.com"}, {"address": "A@EXAMPLE.com"}]}, ["emails", 1]),
        (
            {"phones": [{"number": "1", "primary": True}, {"number": "2", "primary": True}]},
            ["phones", 1, "primary"],
        ),
        ({"phones": [{"number": "030 1234567"}, {"number": "12"}]}, ["phones", 1, "number"]),
        ({"externalIds": [{"source": "", "externalId": "1"}]}, ["externalIds", 0, "source"]),
    ],
)
async def test_a_fault_of_an_input_says_where_it_stands(
    office: Any, given: dict[str, Any], field: list[str | int]
) -> None:
    error = await office.fail("createCustomer", **{"name": "Ada", **given})
    assert error["code"] == "INVALID"
    assert [each["field"] for each in error["problems"]] == [["input", *field]]
    assert (await office.t.gql("{ customers { totalCount } }"))["customers"]["totalCount"] == 0


async def test_an_external_id_belongs_to_one_customer(office: Any) -> None:
    key = {"source": "shop", "externalId": "7"}
    await office.create(externalIds=[key])
    error = await office.fail("createCustomer", name="Bob", externalIds=[key])
    assert (error["code"], error["reason"]) == ("CONFLICT", "core.external_id_taken")
    assert error["problems"][0]["field"] == ["input", "externalIds", 0, "externalId"]
    twice = [
        {"name": name, "externalIds": [{"source": "till", "externalId": "1"}]} for name in "AB"
    ]
    error = await office.fail("createCustomers", items=twice)
    assert error["problems"][0]["field"] == ["input", "items", 1, "externalIds", 0, "externalId"]


async def test_what_is_left_out_stays_and_null_empties(office: Any) -> None:
    who = await office.create(givenName="Ada", source="fair", nameIsPlaceholder=True)
    changed = await office.do(
        "updateCustomer",
        "customer { name givenName source nameIsPlaceholder version }",
        id=who,
        name="Ada Lovelace",
        source=None,
    )
    assert changed["customer"] == {
        "name": "Ada Lovelace",
        "givenName": "Ada",
        "source": None,
        "nameIsPlaceholder": False,
        "version": 2,
    }
    error = await office.fail("updateCustomer", id=who, name=None)
    assert (error["code"], error["problems"][0]["field"]) == ("INVALID", ["input", "name"])


async def test_contacts_are_replaced_and_those_that_stay_keep_their_id(office: Any) -> None:
    who = await office.create(emails=[{"address": "a@example.com"}, {"address": "b@example.com"}])
    before = (await office.customer(who, "emails { id address }"))["emails"]
    emails = [{"address": "b@example.com", "label": "home"}, {"address": "c@example.com"}]
    changed = await office.do(
        "updateCustomer",
        "customer { version emails { id address label isPrimary } }",
        id=who,
        emails=emails,
    )
    assert changed["customer"]["version"] == 2
    kept, new = changed["customer"]["emails"]
    assert kept == {
        "id": before[1]["id"],
        "address": "b@example.com",
        "label": "home",
        "isPrimary": True,
    }
    assert (new["address"], new["isPrimary"]) == ("c@example.com", False)


async def test_a_stale_version_changes_nothing(office: Any) -> None:
    who = await office.create()
    await office.do("updateCustomer", id=who, version=1, name="Ada L.")
    error = await office.fail("updateCustomer", id=who, version=1, name="Nobody")
    assert (error["code"], error["problems"][0]["params"]) == ("CONFLICT", {"current": 2})
    assert await office.customer(who, "name") == {"name": "Ada L."}


async def test_each_result_of_many_says_what_became_of_it(office: Any) -> None:
    ada, bob = await office.create("Ada"), await office.create("Bob")
    done = await office.do(
        "updateCustomers",
        "results { index outcome error { code } customer { name } }",
        onError="SKIP",
        items=[
            {"id": ada, "name": "Ada"},
            {"id": bob, "name": "Bobby"},
            {"id": bob, "source": "fair"},
            {"id": bob, "version": 1, "name": "Nobody"},
        ],
    )
    assert [each["outcome"] for each in done["results"]] == [
        "UNCHANGED",
        "UPDATED",
        "UPDATED",
        "REJECTED",
    ]
    assert done["results"][3]["error"] == {"code": "CONFLICT"}
    assert await office.customer(bob, "name source version") == {
        "name": "Bobby",
        "source": "fair",
        "version": 3,
    }


async def test_many_customers_take_as_many_statements_as_a_few(office: Any) -> None:
    sent = []
    for number in (3, 60):
        items = [
            {
                "name": f"C{n}",
                "emails": [{"address": f"c{n}.{number}@example.com"}],
                "phones": [{"number": f"030 12345{n:02}"}],
                "externalIds": [{"source": f"s{number}", "externalId": str(n)}],
            }
            for n in range(number)
        ]
        with office.t.statements() as statements:
            done = await office.do("createCustomers", "results { customer { id } }", items=items)
        ids = [each["customer"]["id"] for each in done["results"]]
        with office.t.statements() as more:
            await office.do(
                "updateCustomers",
                items=[{"id": who, "name": f"D{n}", "emails": []} for n, who in enumerate(ids)],
            )
        sent.append((len(statements), len(more)))
    assert sent[0] == sent[1]

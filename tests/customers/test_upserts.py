from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio

KEY = {"source": "shop", "externalId": "7"}
RESULT = "results { outcome customer { id name } error { code } }"


async def test_an_external_id_recognises_a_customer(office: Any) -> None:
    items = [{"name": "Ada", "externalIds": [KEY], "source": "fair"}]
    first = (await office.do("upsertCustomers", RESULT, items=items))["results"][0]
    again = (await office.do("upsertCustomers", RESULT, items=items))["results"][0]
    items[0]["name"] = "Ada L."
    changed = (await office.do("upsertCustomers", RESULT, items=items))["results"][0]
    assert [each["outcome"] for each in (first, again, changed)] == [
        "CREATED",
        "UNCHANGED",
        "UPDATED",
    ]
    assert first["customer"]["id"] == again["customer"]["id"] == changed["customer"]["id"]
    assert changed["customer"]["name"] == "Ada L."


async def test_mail_recognises_a_customer_whatever_its_case(office: Any) -> None:
    who = await office.create(emails=[{"address": "Ada@example.com"}])
    done = await office.do(
        "upsertCustomer",
        "customer { id emails { address isPrimary } externalIds { externalId } }",
        matchBy="EMAIL",
        emails=[{"address": "ada@example.com"}, {"address": "new@example.com"}],
        externalIds=[KEY],
    )
    assert done["customer"] == {
        "id": who,
        "emails": [
            {"address": "Ada@example.com", "isPrimary": True},
            {"address": "new@example.com", "isPrimary": False},
        ],
        "externalIds": [{"externalId": "7"}],
    }


async def test_two_who_match_are_ambiguous(office: Any) -> None:
    ids = {await office.create(name, emails=[{"address": "us@example.com"}]) for name in "AB"}
    error = await office.fail("upsertCustomer", name="C", emails=[{"address": "us@example.com"}])
    assert (error["code"], error["reason"]) == ("AMBIGUOUS", "core.several_customers_match")
    assert set(error["problems"][0]["params"]["ids"]) == ids


async def test_who_is_unknown_needs_a_name_and_somebody_needs_a_sign(office: Any) -> None:
    error = await office.fail("upsertCustomer", externalIds=[KEY])
    assert (error["code"], error["problems"][0]["field"]) == ("INVALID", ["input", "name"])
    error = await office.fail("upsertCustomer", name="Ada")
    assert (error["code"], error["problems"][0]["field"]) == ("INVALID", ["input", "externalIds"])


async def test_one_customer_twice_among_many_is_made_once(office: Any) -> None:
    other = {"source": "till", "externalId": "1"}
    done = await office.do(
        "upsertCustomers",
        RESULT,
        items=[
            {"name": "Ada", "externalIds": [KEY]},
            {"name": "Ada L.", "externalIds": [KEY, other]},
            {"name": "Ada Lovelace", "externalIds": [other]},
        ],
    )
    assert [each["outcome"] for each in done["results"]] == ["CREATED", "UPDATED", "UPDATED"]
    assert len({each["customer"]["id"] for each in done["results"]}) == 1
    assert done["results"][0]["customer"]["name"] == "Ada Lovelace"


async def test_a_placeholder_never_replaces_a_name(office: Any) -> None:
    placeholder = {"name": "00001", "nameIsPlaceholder": True, "externalIds": [KEY]}
    await office.do("upsertCustomer", **placeholder)
    named = await office.do("upsertCustomer", "customer { id name }", name="Ada", externalIds=[KEY])
    await office.do("upsertCustomer", **placeholder)
    found = await office.customer(named["customer"]["id"], "name nameIsPlaceholder")
    assert found == {"name": "Ada", "nameIsPlaceholder": False}


async def test_a_bad_number_is_named_where_the_client_wrote_it(office: Any) -> None:
    await office.create(externalIds=[KEY], phones=[{"number": "030 1234567"}])
    phones = [{"number": "+49 30 1234567"}, {"number": "12"}]
    error = await office.fail("upsertCustomer", externalIds=[KEY], phones=phones)
    assert error["problems"][0]["field"] == ["input", "phones", 1, "number"]


async def test_those_who_are_deleted_are_not_recognised(office: Any) -> None:
    who = await office.create(externalIds=[KEY], emails=[{"address": "a@example.com"}])
    await office.do("deleteCustomer", id=who)
    for sign in ({"externalIds": [KEY]}, {"emails": [{"address": "a@example.com"}]}):
        done = await office.do("upsertCustomer", "customer { id }", name="New", **sign)
        assert done["customer"]["id"] != who


async def test_every_verb_takes_as_many_statements_for_many_as_for_few(office: Any) -> None:
    counted = []
    for number in (2, 30):
        items = [
            {
                "name": f"C{n}",
                "emails": [{"address": f"{number}.{n}@example.com"}],
                "externalIds": [{"source": f"s{number}", "externalId": str(n)}],
            }
            for n in range(number)
        ]
        done = await office.do("upsertCustomers", RESULT, items=items)
        ids = [each["customer"]["id"] for each in done["results"]]
        news = [each | {"name": "New", "phones": [{"number": "030 1234567"}]} for each in items]
        named, intent = [{"id": who} for who in ids], await office.stage("intent")
        with office.t.statements() as statements:
            await office.do("upsertCustomers", items=news)
            await office.do("moveCustomers", items=[each | {"stageId": intent} for each in named])
            await office.do("deleteCustomers", items=named)
            await office.do("restoreCustomers", items=named)
        counted.append(len(statements))
    assert counted[0] == counted[1]

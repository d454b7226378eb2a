from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio


async def test_people_and_organisations_find_each_other(office: Any) -> None:
    ada = await office.create("Ada")
    acme = await office.create("Acme", kind="ORGANISATION")
    made = await office.do(
        "relateCustomer", "relation { role from { name } to { name } }",
        fromId=ada, toId=acme, role="employee", since="2024-02-29",
    )  # fmt: skip
    assert made["relation"] == {"role": "employee", "from": {"name": "Ada"}, "to": {"name": "Acme"}}
    works = await office.customer(ada, "organisations { nodes { organisation { name } since } }")
    assert works["organisations"]["nodes"] == [
        {"organisation": {"name": "Acme"}, "since": "2024-02-29"}
    ]
    staff = await office.customer(acme, "people { nodes { person { name } role } }")
    assert staff["people"]["nodes"] == [{"person": {"name": "Ada"}, "role": "employee"}]


async def test_a_relation_ends_today_unless_a_day_is_named(office: Any) -> None:
    ada, bob = await office.create("Ada"), await office.create("Bob")
    made = await office.do(
        "relateCustomer", "relation { id }", fromId=ada, toId=bob, role="parent", since="2025-06-01"
    )
    who = made["relation"]["id"]
    ended = await office.do("endRelation", "relation { until version }", id=who)
    assert ended["relation"] == {"until": "2026-01-01", "version": 2}
    error = await office.fail("endRelation", id=who, until="2025-05-31")
    assert (error["code"], error["problems"][0]["field"]) == ("INVALID", ["input", "until"])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fromId": "acme", "toId": "ada"}, "fromId"),
        ({"fromId": "ada", "toId": "ada"}, "toId"),
        ({"role": "Chief of staff"}, "role"),
        ({"since": "2025-01-02", "until": "2025-01-01"}, "until"),
    ],
)
async def test_a_relation_that_cannot_be_is_invalid(
    office: Any, given: dict[str, str], field: str
) -> None:
    ids = {
        "ada": await office.create("Ada"),
        "acme": await office.create("Acme", kind="ORGANISATION"),
    }
    asked = {"fromId": "ada", "toId": "acme", "role": "employee", **given}
    error = await office.fail("relateCustomer", **{k: ids.get(v, v) for k, v in asked.items()})
    assert (error["code"], error["problems"][0]["field"]) == ("INVALID", ["input", field])


async def test_who_is_deleted_is_related_to_nobody(office: Any) -> None:
    ada, acme = await office.create("Ada"), await office.create("Acme", kind="ORGANISATION")
    await office.do("relateCustomer", fromId=ada, toId=acme, role="owner")
    await office.do("deleteCustomer", id=ada)
    assert await office.customer(acme, "people { totalCount }") == {"people": {"totalCount": 0}}

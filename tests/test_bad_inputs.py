"""A bad input gets a typed code and its field, and leaves nothing half-written."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from crmkit.store.database import Base
from crmkit.testing import Trial, crm

pytestmark = pytest.mark.anyio

NOBODY = "customer_01h455vb4pex5vsknk084sn02q"
NO_STAGE = "stage_01h455vb4pex5vsknk084sn02q"
NO_TEAM = "team_01h455vb4pex5vsknk084sn02q"

MAIL = {"address": "new@example.com"}
KNOWN = {"source": "shop", "externalId": "7"}
Case = tuple[str, dict[str, Any], str, list[str | int]]

# (operation, what is wrong, code, field); `$ada` and the like stand for ids of the test's records.
BAD: list[Case] = [
    ("createCustomer", {"name": None}, "INVALID", ["name"]),
    ("createCustomer", {"name": " "}, "INVALID", ["name"]),
    ("createCustomer", {"name": "A\x00da"}, "INVALID", ["name"]),
    ("createCustomer", {"name": "long " * 500}, "INVALID", ["name"]),
    (
        "createCustomer",
        {"emails": [{"address": "no at sign"}]},
        "INVALID",
        ["emails", 0, "address"],
    ),
    ("createCustomer", {"emails": [MAIL, {"address": "@"}]}, "INVALID", ["emails", 1, "address"]),
    (
        "createCustomer",
        {"emails": [{**MAIL, "primary": True}, {"address": "b@example.com", "primary": True}]},
        "INVALID",
        ["emails", 1, "primary"],
    ),
    ("createCustomer", {"phones": [{"number": "12"}]}, "INVALID", ["phones", 0, "number"]),
    ("createCustomer", {"zone": "Mars/Olympus"}, "INVALID", ["zone"]),
    ("createCustomer", {"locale": "klingon!"}, "INVALID", ["locale"]),
    ("createCustomer", {"stageId": NO_STAGE}, "NOT_FOUND", ["stageId"]),
    ("createCustomer", {"stageId": NOBODY}, "INVALID", ["stageId"]),
    ("createCustomer", {"teamId": NO_TEAM}, "NOT_FOUND", ["teamId"]),
    ("createCustomer", {"externalIds": [KNOWN]}, "CONFLICT", ["externalIds", 0, "externalId"]),
    ("updateCustomer", {"id": NOBODY}, "NOT_FOUND", ["id"]),
    ("updateCustomer", {"version": 7}, "CONFLICT", ["version"]),
    ("updateCustomer", {"name": None}, "INVALID", ["name"]),
    ("deleteCustomer", {"id": "sink_01h455vb4pex5vsknk084sn02q"}, "INVALID", ["id"]),
    ("deleteCustomer", {"version": 7}, "CONFLICT", ["version"]),
    ("restoreCustomer", {"id": NOBODY}, "NOT_FOUND", ["id"]),
    ("moveCustomer", {"stageId": "$loyal"}, "REFUSED", ["stageId"]),
    ("upsertCustomer", {"emails": [{"address": "twin@example.com"}]}, "AMBIGUOUS", ["emails"]),
    ("relateCustomer", {"toId": NOBODY}, "NOT_FOUND", ["toId"]),
    ("relateCustomer", {"toId": "$ada"}, "INVALID", ["toId"]),
    ("recordInteraction", {"channel": "telepathy"}, "INVALID", ["channel"]),
    ("recordInteraction", {"touchpoint": "nowhere"}, "INVALID", ["touchpoint"]),
    ("recordInteraction", {"causeId": NO_STAGE}, "NOT_FOUND", ["causeId"]),
    ("createUser", {"mail": "nobody"}, "INVALID", ["mail"]),
    ("createStage", {"key": "Not A Key"}, "INVALID", ["key"]),
]


async def test_a_bad_input_is_named_and_changes_nothing(engine: str) -> None:
    async with crm(engine=engine) as t:
        ids = await _records(t)
        good: dict[str, dict[str, Any]] = {
            "createCustomer": {"name": "Eve"},
            "updateCustomer": {"id": "$ada", "name": "Ada L."},
            "deleteCustomer": {"id": "$ada"},
            "restoreCustomer": {"id": "$ada"},
            "moveCustomer": {"id": "$ada"},
            "upsertCustomer": {"name": "Twin"},
            "relateCustomer": {"fromId": "$ada", "toId": "$bo", "role": "friend"},
            "recordInteraction": {
                "customerId": "$ada",
                "channel": "email",
                "direction": "INBOUND",
                "kind": "message",
            },
            "createUser": {"name": "Uma", "mail": "uma@example.com"},
            "createStage": {"key": "new", "labels": [{"locale": "en", "text": "New"}]},
        }
        before = await _row_counts(t)
        for operation, bad, code, field in BAD:
            given = {
                name: ids.get(value, value) if isinstance(value, str) else value
                for name, value in {**good[operation], **bad}.items()
            }
            said = await _refusal(t, operation, given)
            assert said == (code, ["input", *field]), (operation, bad)
            assert await _row_counts(t) == before, (operation, bad)


async def _records(t: Trial) -> dict[str, str]:
    """Ada with an external id, Bo, and two people who share an address; the last stage."""
    twin = [{"address": "twin@example.com"}]
    made = await t.gql(
        "mutation ($i: [CreateCustomerItem!]!) { createCustomers(input: {items: $i}) "
        "{ results { customer { id } } } }",
        i=[
            {"name": "Ada", "externalIds": [KNOWN]},
            {"name": "Bo"},
            {"name": "Cy", "emails": twin},
            {"name": "Di", "emails": twin},
        ],
    )
    ada, bo, *_ = [each["customer"]["id"] for each in made["createCustomers"]["results"]]
    found = await t.gql('{ stages(where: {key: {eq: "loyal"}}) { nodes { id } } }')
    return {"$ada": ada, "$bo": bo, "$loyal": found["stages"]["nodes"][0]["id"]}


async def _refusal(t: Trial, operation: str, given: dict[str, Any]) -> tuple[str, list[str | int]]:
    kind = f"{operation[0].upper()}{operation[1:]}Input"
    document = f"mutation ($i: {kind}!) {{ {operation}(input: $i) {{ __typename }} }}"
    answer = await t.answer(document, {"i": given})
    assert answer["data"] == {operation: None}, (operation, given, answer)
    extensions = answer["errors"][0]["extensions"]
    return extensions["code"], extensions["problems"][0]["field"]


async def _row_counts(t: Trial) -> dict[str, int]:
    tables = [table for each in t.host.loaded.plugins for table in each.tables]
    counted = {}
    for table in tables:
        [(rows,)] = await t.host.database.fetch(select(func.count()).select_from(table))
        counted[table.name] = rows
    assert set(counted) <= set(Base.metadata.tables)
    return counted

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from crmkit_referrals.config import ReferralsConfig
from tests.plugins.referrals.circle import (
    INVITE,
    REGISTER,
    SIGN_UP,
    circle,
    code_of,
    referrals,
    refusal,
    register,
    sign_up,
    states,
    step,
)
from tests.plugins.shop import buy, row_counts

if TYPE_CHECKING:
    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ada@x.org", "ADA@X.org", True),
        ("ada@x.org", "ada+shop@x.org", True),
        ("a.da@gmail.com", "ada+1@googlemail.com", True),
        ("a.da@x.org", "ada@x.org", False),
        ("ada@x.org", "ada@y.org", False),
        ("+ada@x.org", "+ben@x.org", False),
    ],
)
def test_addresses_that_lead_into_one_mailbox_are_one(one: str, other: str, same: bool) -> None:
    key = ReferralsConfig().mail_key
    assert (key(one) == key(other)) is same


ALIKE: list[dict[str, Any]] = [
    {"emails": [{"address": "AdaLovelace+new@GoogleMail.com"}]},
    {"emails": [{"address": "other@x.org"}, {"address": "ada.lovelace@gmail.com"}]},
    {"phones": [{"number": "0049 30 123456"}]},
]


@pytest.mark.parametrize("given", ALIKE)
async def test_nobody_refers_themselves_under_another_address(
    t: Trial, given: dict[str, Any]
) -> None:
    ada = await sign_up(
        t,
        "Ada",
        emails=[{"address": "ada.lovelace@gmail.com"}],
        phones=[{"number": "+4930123456"}],
    )
    code = await code_of(t, ada)
    before = await row_counts(t)
    [error] = await t.errors(SIGN_UP, input={"name": "A.", "referrals": {"code": code}, **given})
    assert refusal(error) == (
        "REFUSED",
        "referrals.self_referral",
        ["input", "referrals", "code"],
    )
    assert await row_counts(t) == before
    twin = await sign_up(t, "A.", **given)
    for customer in (ada, twin):
        [error] = await t.errors(REGISTER, input={"customerId": customer, "code": code})
        assert refusal(error)[1] == "referrals.self_referral"


async def test_a_registered_friend_shows_on_both_sides(t: Trial) -> None:
    ada, ben = await circle(t)
    found = await t.gql(
        """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { name
          referralsMade { nodes { friend { name } } }
          referralsReceived { nodes { state registeredAt advocate { name } } } } } }""",
        ids=[ada, ben],
    )
    made, received = found["nodes"]
    assert made["referralsMade"]["nodes"] == [{"friend": {"name": "Ben"}}]
    assert made["referralsReceived"]["nodes"] == []
    assert received["referralsReceived"]["nodes"] == [
        {
            "state": "REGISTERED",
            "registeredAt": "2026-01-01T00:00:00.000000Z",
            "advocate": {"name": "Ada"},
        }
    ]


async def test_of_two_codes_the_first_counts(t: Trial) -> None:
    _, ben = await circle(t)
    code = await code_of(t, await sign_up(t, "Cleo"))
    [error] = await t.errors(REGISTER, input={"customerId": ben, "code": code})
    assert refusal(error) == (
        "REFUSED",
        "referrals.already_referred",
        ["input", "customerId"],
    )


async def test_of_two_codes_at_one_time_one_counts(t: Trial) -> None:
    ben = await sign_up(t, "Ben")
    codes = [await code_of(t, await sign_up(t, f"Advocate {n}")) for n in range(6)]
    answers = await asyncio.gather(
        *[t.answer(REGISTER, {"input": {"customerId": ben, "code": each}}) for each in codes]
    )
    reasons = [each["errors"][0]["extensions"]["reason"] for each in answers if "errors" in each]
    assert reasons == ["referrals.already_referred"] * 5
    assert await states(t) == ["REGISTERED"]


async def test_a_rejected_friend_can_come_through_another(t: Trial) -> None:
    _, ben = await circle(t)
    [first] = await referrals(t)
    await step(t, "rejectReferral", first["id"], note="Never met")
    await register(t, ben, await code_of(t, await sign_up(t, "Cleo")))
    assert await states(t) == ["REJECTED", "REGISTERED"]


@pytest.mark.parametrize("length", [2, 3, 5])
async def test_nobody_is_referred_by_whom_they_brought(t: Trial, length: int) -> None:
    chain = [await sign_up(t, "Customer 0")]
    for number in range(1, length):
        chain.append(await sign_up(t, f"Customer {number}", await code_of(t, chain[-1])))
    last = await code_of(t, chain[-1])
    before = await row_counts(t)
    [error] = await t.errors(REGISTER, input={"customerId": chain[0], "code": last})
    assert refusal(error) == ("REFUSED", "referrals.cycle", ["input", "code"])
    assert await row_counts(t) == before


async def test_of_registrations_that_close_a_cycle_together_one_is_refused(t: Trial) -> None:
    ring = [await sign_up(t, f"Customer {number}") for number in range(6)]
    codes = [await code_of(t, each) for each in ring]
    # Three pairs stand; the three links between them are made at one time.
    for number in (0, 2, 4):
        await register(t, ring[number + 1], codes[number])
    links = [{"customerId": ring[(number + 1) % 6], "code": codes[number]} for number in (1, 3, 5)]
    answers = await asyncio.gather(*[t.answer(REGISTER, {"input": each}) for each in links])
    reasons = [each["errors"][0]["extensions"]["reason"] for each in answers if "errors" in each]
    assert reasons == ["referrals.cycle"]


async def test_whoever_has_bought_was_brought_by_nobody(t: Trial) -> None:
    ben = await sign_up(t, "Ben")
    code = await code_of(t, await sign_up(t, "Ada"))
    await buy(t, ben)
    [error] = await t.errors(REGISTER, input={"customerId": ben, "code": code})
    assert refusal(error) == ("REFUSED", "referrals.already_customer", ["input", "customerId"])


async def test_an_advocate_can_be_named_for_thirty_days(t: Trial) -> None:
    ben, cleo = [await sign_up(t, name) for name in ("Ben", "Cleo")]
    code = await code_of(t, await sign_up(t, "Ada"))
    t.clock.move(days=30)
    await register(t, ben, code)
    t.clock.move(seconds=1)
    [error] = await t.errors(REGISTER, input={"customerId": cleo, "code": code})
    assert refusal(error) == ("REFUSED", "referrals.too_late", ["input", "customerId"])
    assert error["extensions"]["problems"][0]["params"] == {"days": 30}


async def test_an_invited_friend_registers_the_invitation(t: Trial) -> None:
    codes = [await code_of(t, await sign_up(t, name)) for name in ("Ada", "Berta", "Cleo")]
    address = "dan@x.org"
    made = [await t.gql(INVITE, input={"code": each, "email": address}) for each in codes]
    again = await t.gql(INVITE, input={"code": codes[1].lower(), "email": "Dan+x@x.org"})
    assert again == made[1]
    assert again["inviteReferral"]["referral"]["state"] == "INVITED"
    assert again["inviteReferral"]["referral"]["email"] == address
    dan = await sign_up(t, "Dan", codes[1], emails=[{"address": "dan+shop@x.org"}])
    found = await referrals(t)
    assert [(each["state"], each["fault"]) for each in found] == [
        ("REJECTED", "ALREADY_REFERRED"),
        ("REGISTERED", None),
        ("REJECTED", "ALREADY_REFERRED"),
    ]
    assert found[1]["friend"] == {"id": dan, "name": "Dan"}


async def test_nobody_invites_themselves(t: Trial) -> None:
    code = await code_of(t, await sign_up(t, "Ada", emails=[{"address": "ada@x.org"}]))
    [error] = await t.errors(INVITE, input={"code": code, "email": "ada+me@x.org"})
    assert refusal(error) == ("REFUSED", "referrals.self_referral", ["input", "email"])

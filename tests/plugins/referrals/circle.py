"""What tests of referrals say again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.testing import Trial

SIGN_UP = """mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { id } } }"""
INVITE = """mutation ($input: InviteReferralInput!) {
  inviteReferral(input: $input) { referral { id state email advocate { name } } } }"""
REGISTER = """mutation ($input: RegisterReferralInput!) {
  registerReferral(input: $input) { referral { id state } } }"""
STEP = """mutation ($input: {Kind}Input!) {
  {field}(input: $input) { referral { id state fault note } } }"""


async def sign_up(t: Trial, name: str, code: str | None = None, **given: Any) -> str:
    """The id of a new customer, who may name a code."""
    said = {} if code is None else {"referrals": {"code": code}}
    made = await t.gql(SIGN_UP, input={"name": name, **said, **given})
    return str(made["createCustomer"]["customer"]["id"])


async def code_of(t: Trial, customer: str) -> str:
    """The code of a customer, who gets one if need be."""
    made = await t.gql(
        """mutation ($id: ID!) { issueReferralCode(input: {customerId: $id}) {
          code customer { referralCode } } }""",
        id=customer,
    )
    issued = made["issueReferralCode"]
    assert issued["customer"]["referralCode"] == issued["code"]
    return str(issued["code"])


async def register(t: Trial, customer: str, code: str) -> str:
    """The id of the referral of a customer who is there already."""
    made = await t.gql(REGISTER, input={"customerId": customer, "code": code})
    return str(made["registerReferral"]["referral"]["id"])


async def step(t: Trial, field: str, referral: str, **given: Any) -> dict[str, Any]:
    """What a referral is after qualifyReferral, rewardReferral and the like."""
    made = await t.gql(document_of(field), input={"referralId": referral, **given})
    return dict(made[field]["referral"])


def document_of(field: str) -> str:
    return STEP.replace("{Kind}", field[0].upper() + field[1:]).replace("{field}", field)


async def referrals(t: Trial) -> list[dict[str, Any]]:
    """All referrals, the oldest first."""
    found = await t.gql(
        """{ referrals(orderBy: [CREATED_AT_ASC], first: 1000) { nodes {
          id state fault note email advocatePoints friendPoints
          registeredAt qualifiedAt rewardedAt endedAt
          advocate { id name } friend { id name } cause { id } } } }"""
    )
    return list(found["referrals"]["nodes"])


async def states(t: Trial) -> list[str]:
    return [str(each["state"]) for each in await referrals(t)]


async def circle(t: Trial, **given: Any) -> tuple[str, str]:
    """The ids of an advocate and of a friend who came through them."""
    ada = await sign_up(t, "Ada")
    return ada, await sign_up(t, "Ben", await code_of(t, ada), **given)


def refusal(error: dict[str, Any]) -> tuple[str, str | None, list[Any]]:
    """The code of an error, its reason, and the field that it names."""
    extensions = error["extensions"]
    return extensions["code"], extensions.get("reason"), extensions["problems"][0]["field"]

"""Whatever a mutation of the schema writes, an entry says who wrote it, and in which request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from crmkit.access.models import Session
from crmkit.host.context import Context
from crmkit.host.discovery import discover, imported
from crmkit.jobs.service import tidy
from crmkit.store.audit import Audit
from crmkit.testing import Trial, crm
from crmkit_referrals.models import Referral, ReferralState
from crmkit_webhooks.models import WebhookDelivery, WebhookDeliveryState
from tests.access.asking import INVITE, Asking
from tests.audit.asked import Inputs, Said

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery staple"
ACCEPT = """mutation ($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) { token } }"""
EXPORT = """mutation ($input: ExportCustomerInput!) {
  exportCustomer(input: $input) { customer { id } } }"""
HISTORY = """query ($id: ID!) { node(id: $id) { ... on Customer { history(first: 1) { nodes {
  operation record { id } changes { kind } } } } } }"""

# Of which an entry names no record: an export writes nothing, nobody was erased whom this could
# bring back, and jobs are not what people keep.
NAMELESS = {
    "cancelJob",
    "exportCustomer",
    "liftSuppressions",
    "regradeCustomers",
    "replayWebhookDelivery",
    "retryJob",
}

# What has to have happened to a record before, by the mutation that it is for.
BEFORE = {
    "closeTicket": ["solveTicket", "replyToTicket"],
    "holdTicket": ["assignTicket"],
    "reactivateUser": ["deactivateUser"],
    "redeemPoints": ["adjustPoints"],
    "reinstateChannel": ["retireChannel"],
    "reinstateTag": ["retireTag"],
    "reinstateTouchpoint": ["retireTouchpoint"],
    "restoreCustomer": ["deleteCustomer"],
    "resumeTicket": ["holdTicket"],
    "resumeWebhook": ["pauseWebhook"],
    "retryJob": ["cancelJob"],
    "reverseReferral": ["qualifyReferral"],
    "revokeRole": ["grantRole"],
    "solveTicket": ["assignTicket"],
    "untagCustomer": ["tagCustomer"],
}


async def _invited(inputs: Inputs) -> str:
    return str((await inputs.ask("inviteUser", roles=["sales"]))["token"])


async def _joined(inputs: Inputs) -> str:
    mail = inputs.text("mail")
    invited = await inputs.ask("inviteUser", mail=mail, roles=["sales"])
    await inputs.ask("acceptInvitation", token=invited["token"], password=PASSWORD)
    return mail


async def _code(inputs: Inputs) -> str:
    return str((await inputs.ask("issueReferralCode"))["code"])


async def _job(inputs: Inputs) -> str:
    async def body(context: Context[Any]) -> None:
        context.enqueue(tidy)

    await inputs.t.unit(body)
    found = await inputs.t.gql("{ jobs(orderBy: [CREATED_AT_DESC], first: 1) { nodes { id } } }")
    return str(found["jobs"]["nodes"][0]["id"])


async def _tag(inputs: Inputs) -> list[str]:
    key = inputs.text("key")
    await inputs.ask("createTag", key=key)
    return [key]


async def _qualified(inputs: Inputs) -> str:
    """A referral that counts since before there were points; today it is rewarded at once."""
    referral = await inputs.made("Referral")

    async def body(context: Context[Any]) -> None:
        points = {Referral.advocate_points: 5, Referral.friend_points: 5}
        values = {Referral.state: ReferralState.QUALIFIED, **points}
        context.write.change(Referral, referral, set=values)

    await inputs.t.unit(body, plugin="referrals")
    return referral


async def _given_up(inputs: Inputs) -> str:
    """A delivery that failed too often."""
    delivery = WebhookDelivery(
        webhook_id=await inputs.made("Webhook"),
        event="core.CustomersCreated",
        event_version=1,
        sequence=1,
        record="customer",
        payload={},
        happened_at=inputs.t.clock.now(),
        state=WebhookDeliveryState.DEAD,
    )

    async def body(context: Context[Any]) -> None:
        context.write.add(delivery)

    await inputs.t.unit(body, plugin="webhooks")
    return delivery.id


async def _rating(inputs: Inputs) -> str:
    solve = (await inputs.ask("solveTicket"))["solve"]["id"]
    found = await inputs.t.gql(
        "query ($id: ID!) { node(id: $id) { ... on TicketSolve { ratingToken } } }", id=solve
    )
    return str(found["node"]["ratingToken"])


async def _known_elsewhere(inputs: Inputs) -> list[dict[str, str]]:
    return [{"source": "shop", "externalId": inputs.text("id")}]


async def _allowed(inputs: Inputs) -> str:
    """A stage to which those who are new may move."""
    found = await inputs.t.gql('{ stages(where: {key: {eq: "customer"}}) { nodes { id } } }')
    return str(found["stages"]["nodes"][0]["id"])


def _said(value: Any) -> Callable[[Inputs], Awaitable[Any]]:
    async def say(_: Inputs) -> Any:
        return value

    return say


def _new(kind: str) -> Callable[[Inputs], Awaitable[str]]:
    return lambda inputs: inputs.made(kind)


async def _uma(inputs: Inputs) -> str:
    """The user who asks."""
    found = await inputs.t.gql('{ users(where: {name: {eq: "Uma"}}) { nodes { id } } }')
    return str(found["users"]["nodes"][0]["id"])


async def _own_key(inputs: Inputs) -> str:
    key = await inputs.ask("createApiKey", userId=await _uma(inputs), service=None)
    return str(key["apiKey"]["id"])


async def _own_session(inputs: Inputs) -> str:
    """Another session than the one that asks, which goes on."""
    at = inputs.t.clock.now()
    session = Session(user_id=await _uma(inputs), digest=b"digest", expires_at=at)

    async def body(context: Context[Any]) -> None:
        context.write.add(session)

    await inputs.t.unit(body)
    return session.id


# Fields that mean the same in every input, and what no type tells of others.
FIELDS = {"code", "tags"}
SAID: Said = {
    "acceptInvitation.token": _invited,
    "allowMove.fromId": _new("Stage"),
    "allowMove.toId": _new("Stage"),
    "cancelJob.id": _job,
    "changePassword.current": _said(PASSWORD),
    "code": _code,
    "createApiKey.userId": _new("User"),
    "createWebhook.events": _said(["core.CustomersCreated"]),
    "endRelation.id": _new("CustomerRelation"),
    "endSession.id": _own_session,
    "liftSuppressions.emails": _said(["somebody@example.com"]),
    "moveCustomer.stageId": _allowed,
    "rateTicket.score": _said(5),
    "rateTicket.token": _rating,
    "replayWebhookDelivery.id": _given_up,
    "retryJob.id": _job,
    "revokeOwnApiKey.id": _own_key,
    "rewardReferral.referralId": _qualified,
    "signIn.mail": _joined,
    "signIn.password": _said(PASSWORD),
    "signOut.everywhere": _said(False),
    "sortTicket.type": _said("question"),
    "tags": _tag,
    "upsertCustomer.externalIds": _known_elsewhere,
    "upsertCustomer.name": _said("Somebody"),
}


@pytest.fixture
async def asking(engine: str) -> AsyncIterator[Asking]:
    bundled = [imported(each) for each in discover() if each.bundled]
    async with crm(*bundled, engine=engine) as t:
        yield Asking(t)


async def test_every_mutation_of_the_schema_leaves_its_entry(asking: Asking) -> None:
    inputs = Inputs(asking.t, BEFORE, SAID)
    assert {each.partition(".")[0] for each in (*BEFORE, *SAID)} <= {*inputs.mutations, *FIELDS}
    user, token = await _admin(asking)
    faults: dict[str, Any] = {}
    for mutation in inputs.mutations:
        given = await inputs.of(mutation)
        answer = await asking(inputs.document(mutation), token, input=given)
        found = await _entries(asking.t, answer.headers["x-request-id"])
        # Each entry says who, by which operation, and of how many records.
        told = {(actor, operation, bool(count)) for actor, operation, count in found}
        if told != {(user, mutation, mutation not in NAMELESS)} or "errors" in answer.json():
            faults[mutation] = given, answer.json(), told
    assert not faults


async def test_an_export_is_in_the_history_of_whom_it_hands_over(asking: Asking) -> None:
    customer = await Inputs(asking.t, BEFORE, SAID).made("Customer")
    await asking.t.gql(EXPORT, input={"id": customer})
    found = await asking.t.gql(HISTORY, id=customer)
    assert found["node"]["history"]["nodes"] == [
        {"operation": "exportCustomer", "record": {"id": customer}, "changes": []}
    ]


async def _admin(ask: Asking) -> tuple[str, str]:
    """A user who may do everything, and the session they have begun."""
    asked = {"name": "Uma", "mail": "uma@example.com", "roles": ["admin"]}
    invited = (await ask.t.gql(INVITE, input=asked))["inviteUser"]
    accepted = await ask.data(ACCEPT, input={"token": invited["token"], "password": PASSWORD})
    return invited["user"]["id"], accepted["acceptInvitation"]["token"]


async def _entries(t: Trial, request_id: str) -> list[tuple[Any, ...]]:
    wanted = select(Audit.actor, Audit.operation, Audit.count)
    return await t.host.database.fetch(wanted.where(Audit.request_id == request_id))

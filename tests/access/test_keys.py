from __future__ import annotations

import asyncio

import pytest

from crmkit.values.ids import new_id
from crmkit.values.tokens import Token, TokenKind
from tests.access.asking import KEY, TEAMS, Asking

pytestmark = pytest.mark.anyio

CREATE = 'mutation { createTeam(input: {name: "North"}) { team { name } } }'
REVOKE = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { revokedAt } } }"
GRANT = """mutation ($user: ID!, $role: ID!) {
  grantRole(input: {userId: $user, roleId: $role}) { user { id } } }"""
USED = "{ apiKeys { nodes { lastUsedAt } } }"


async def test_a_key_speaks_for_its_user(ask: Asking) -> None:
    token, _ = await ask.key(userId=await ask.user())
    assert await ask.data(TEAMS, token) == {"teams": {"totalCount": 0}}


async def test_what_was_not_given_out_or_has_ended_is_answered_alike(ask: Asking) -> None:
    uma = await ask.user()
    good, _ = await ask.key(userId=uma)
    revoked, id_ = await ask.key(userId=uma)
    expired, _ = await ask.key(userId=uma, expiresAt="2026-01-01T00:00:30Z")
    elsewhere, _ = await ask.key(userId=uma, networks=["192.0.2.0/24"])
    await ask.t.gql(REVOKE, id=id_)
    ask.t.clock.move(minutes=1)
    unknown = str(Token(TokenKind.KEY, new_id("api_key"), "0" * 48))
    forged = good[:-4] + ("0000" if good[-4:] != "0000" else "1111")
    answers = [
        await ask(TEAMS, each)
        for each in (revoked, expired, elsewhere, unknown, forged, "", "crm_x", "a.b.c")
    ]
    assert {each.status_code for each in answers} == {401}
    assert {each.headers["www-authenticate"] for each in answers} == {
        'Bearer realm="crmkit", error="invalid_token"'
    }
    assert len({each.json()["errors"][0]["message"] for each in answers}) == 1
    assert (await ask(TEAMS, good)).status_code == 200


async def test_a_revoked_key_ends_within_five_seconds(ask: Asking) -> None:
    token, id_ = await ask.key(userId=await ask.user())
    await ask.data(TEAMS, token)
    await ask.t.gql(REVOKE, id=id_)
    ask.t.clock.move(seconds=5)
    assert await ask.code(TEAMS, token) == "UNAUTHENTICATED"


async def test_a_key_ends_at_its_moment_although_it_is_remembered(ask: Asking) -> None:
    token, _ = await ask.key(userId=await ask.user(), expiresAt="2026-01-01T00:00:02Z")
    await ask.data(TEAMS, token)
    ask.t.clock.move(seconds=2)
    assert await ask.code(TEAMS, token) == "UNAUTHENTICATED"


async def test_a_key_comes_from_its_networks_alone(ask: Asking) -> None:
    networks = ["192.0.2.0/24", "2001:db8::/32"]
    token, _ = await ask.key(userId=await ask.user(), networks=networks)
    for client in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8::1"):
        await ask.data(TEAMS, token, client=client)
    for client in ("192.0.3.9", "2001:db9::1", "unknown"):
        assert await ask.code(TEAMS, token, client=client) == "UNAUTHENTICATED"


async def test_a_key_does_no_more_than_it_says(ask: Asking) -> None:
    uma = await ask.user()
    reads, _ = await ask.key(userId=uma, readOnly=True)
    narrow, _ = await ask.key(userId=uma, permissions=["core.customer.read"])
    assert await ask.code(CREATE, reads) == "FORBIDDEN"
    await ask.data(TEAMS, reads)
    assert await ask.code(TEAMS, narrow) == "FORBIDDEN"
    await ask.data("{ customers { totalCount } }", narrow)


async def test_a_service_has_a_key_of_its_own_that_says_what_it_may(ask: Asking) -> None:
    token, _ = await ask.key(service="shop", permissions=["core.team.read"])
    await ask.data(TEAMS, token)
    assert await ask.code("{ customers { totalCount } }", token) == "FORBIDDEN"
    errors = await ask.t.errors(KEY, input={"name": "a shop", "service": "shop"})
    assert errors[0]["extensions"]["problems"][0]["field"] == ["input", "permissions"]


async def test_a_key_follows_the_roles_of_its_user_within_five_seconds(ask: Asking) -> None:
    uma = await ask.user("Uma", "sales")
    token, _ = await ask.key(userId=uma)
    assert await ask.code(CREATE, token) == "FORBIDDEN"
    roles = (await ask.t.gql("{ roles { nodes { id key } } }"))["roles"]["nodes"]
    admin = next(each["id"] for each in roles if each["key"] == "admin")
    await ask.t.gql(GRANT, user=uma, role=admin)
    ask.t.clock.move(seconds=5)
    assert await ask.data(CREATE, token)


async def test_nobody_gets_by_a_key_what_he_has_not(ask: Asking) -> None:
    uma, boss = await ask.user("Uma", "sales"), await ask.user("Ada")
    ask.t.become("sales", user=uma)
    for said, reason in (
        ({"permissions": ["core.team.create"]}, "core.wider_than_own"),
        ({"userId": boss}, "core.key_for_others"),
        ({"service": "shop", "permissions": ["core.team.read"]}, "core.key_for_others"),
    ):
        document = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }"
        errors = await ask.t.errors(document, input={"name": "mine", **said})
        assert errors[0]["extensions"]["reason"] == reason


async def test_a_key_makes_no_keys(ask: Asking) -> None:
    token, _ = await ask.key(userId=await ask.user())
    answer = await ask(KEY, token, input={"name": "a child"})
    assert answer.json()["errors"][0]["extensions"]["reason"] == "core.key_of_key"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": " "}, ["name"]),
        ({"networks": ["10.0.0.0/8", "10.0.0.1/8"]}, ["networks", 1]),
        ({"permissions": ["core.team.fly"]}, ["permissions", 0]),
        ({"expiresAt": "2025-01-01T00:00:00Z"}, ["expiresAt"]),
        ({"service": "shop", "permissions": ["core.team.read"]}, ["service"]),
        ({"userId": None}, ["userId"]),
    ],
)
async def test_a_key_that_would_be_of_no_use_is_refused_with_its_field(
    ask: Asking, said: dict[str, object], field: list[object]
) -> None:
    asked = {"name": "a program", "userId": await ask.user(), **said}
    errors = await ask.t.errors(KEY, input=asked)
    assert errors[0]["extensions"]["code"] == "INVALID"
    assert errors[0]["extensions"]["problems"][0]["field"] == ["input", *field]


async def test_a_repeat_makes_no_second_key_and_does_not_tell_the_first(ask: Asking) -> None:
    asked = {"name": "a program", "userId": await ask.user(), "idempotencyKey": "once"}
    first = (await ask.t.gql(KEY, input=asked))["createApiKey"]
    again = (await ask.t.gql(KEY, input=asked))["createApiKey"]
    assert first["token"] is not None
    assert again == {**first, "token": None}


async def test_the_last_use_is_written_once_a_minute_and_never_by_a_request(ask: Asking) -> None:
    token, _ = await ask.key(userId=await ask.user())
    written = []
    for seconds in (0, 30, 31):
        ask.t.clock.move(seconds=seconds)
        await ask.data(TEAMS, token)
        await ask.t.crm.sign_in.close()
        [key] = (await ask.t.gql(USED))["apiKeys"]["nodes"]
        written.append(key["lastUsedAt"][:19])
    assert written == ["2026-01-01T00:00:00", "2026-01-01T00:00:00", "2026-01-01T00:01:01"]


async def test_of_many_who_ask_with_one_key_at_once_one_looks(ask: Asking) -> None:
    token, _ = await ask.key(userId=await ask.user())
    with ask.t.statements() as sent:
        await asyncio.gather(*[ask.data("{ __typename }", token) for _ in range(20)])
    assert len([each for each in sent if "digest" in each]) == 1


async def test_in_production_whoever_may_asks_what_the_schema_is(ask: Asking) -> None:
    asked = "{ __schema { queryType { name } } }"
    admin, _ = await ask.key(userId=await ask.user())
    sales, _ = await ask.key(userId=await ask.user("Ada", "sales"))
    assert await ask.data(asked, admin)
    for token in (sales, None):
        answer = (await ask(asked, token)).json()["errors"][0]
        assert answer["message"].startswith("GraphQL introspection has been disabled")

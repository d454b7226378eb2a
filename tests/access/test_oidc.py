from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey

from crmkit.settings import Settings
from crmkit.testing import crm
from tests.access.asking import TEAMS, Asking
from tests.access.issuer import AUDIENCE, Issuer, issuing
from tests.access.test_passwords import LEAVE

pytestmark = pytest.mark.anyio

WHO = "{ me { user { name mail } permissions } }"
GRANT = """mutation ($user: ID!, $role: ID!) {
  grantRole(input: {userId: $user, roleId: $role}) { user { id } } }"""
HIRE = """mutation { createUser(input: {name: "Uma", mail: "uma@example.com",
  externalSubject: "uma"}) { user { id } } }"""


@asynccontextmanager
async def asking(engine: str, **said: Any) -> AsyncGenerator[tuple[Asking, Issuer]]:
    """An app that trusts an issuer, and has a user whom it calls uma."""
    async with issuing() as issuer:
        oidc = {"issuer": issuer.url, "audience": AUDIENCE, "timeout_seconds": 60, **said}
        production = {"profile": "production", "secret": "x" * 32}
        async with crm(engine=engine, access={"oidc": oidc}, **production) as t:
            yield Asking(t), issuer


async def uma(ask: Asking) -> str:
    user = (await ask.t.gql(HIRE))["createUser"]["user"]["id"]
    roles = await ask.t.gql('{ roles(where: {key: {eq: "sales"}}) { nodes { id } } }')
    await ask.t.gql(GRANT, user=user, role=roles["roles"]["nodes"][0]["id"])
    return str(user)


async def test_a_token_of_the_provider_lets_in_whom_it_names(engine: str) -> None:
    async with asking(engine) as (ask, issuer):
        id_ = await uma(ask)
        token = issuer.token(ask.t.clock.now())
        found = await ask.data(WHO, token)
        assert found["me"]["user"]["name"] == "Uma"
        assert "core.customer.read" in found["me"]["permissions"]
        await ask.data(TEAMS, issuer.token(ask.t.clock.now(), aud=["another", AUDIENCE]))
        assert issuer.asked == 1
        await ask.t.gql(LEAVE, id=id_)
        ask.t.clock.move(seconds=5)
        assert await ask.code(TEAMS, token) == "UNAUTHENTICATED"


async def test_whatever_else_is_shown_is_answered_alike() -> None:
    async with asking("sqlite") as (ask, issuer):
        await uma(ask)
        now = ask.t.clock.now()
        moment = int(now.timestamp())
        stranger = RSAKey.generate_key(2048, {"kid": "first"})
        wrong = [
            issuer.token(now, sub="nobody"),
            issuer.token(now, iss="https://evil.example"),
            issuer.token(now, aud="another"),
            issuer.token(now, aud=None),
            issuer.token(now, exp=moment - 60),
            issuer.token(now, exp=None),
            issuer.token(now, nbf=moment + 60),
            issuer.token(now, sub=None),
            issuer.token(now, stranger),
            issuer.token(now, alg="RS512"),
            issuer.token(now, OctKey.import_key("secret" * 9, {"kid": "first"}), alg="HS256"),
            f"{issuer.token(now)[:-4]}AAAA",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1bWEifQ.",
            "..",
            "a.b.c",
        ]
        answers = [await ask(TEAMS, each, client=f"192.0.2.{i}") for i, each in enumerate(wrong)]
        assert {each.status_code for each in answers} == {401}
        assert len({each.json()["errors"][0]["message"] for each in answers}) == 1


async def test_a_token_ends_at_its_moment_although_it_is_remembered() -> None:
    async with asking("sqlite", leeway_seconds=0) as (ask, issuer):
        await uma(ask)
        moment = int(ask.t.clock.now().timestamp())
        token = issuer.token(ask.t.clock.now(), exp=moment + 2)
        await ask.data(TEAMS, token)
        ask.t.clock.move(seconds=2)
        assert await ask.code(TEAMS, token) == "UNAUTHENTICATED"


async def test_a_new_key_is_asked_for_once_and_an_unknown_one_not_again_and_again() -> None:
    async with asking("sqlite") as (ask, issuer):
        await uma(ask)
        await ask.data(TEAMS, issuer.token(ask.t.clock.now()))
        issuer.rotate()
        ask.t.clock.move(seconds=30)
        await ask.data(TEAMS, issuer.token(ask.t.clock.now()))
        assert issuer.asked == 2
        stranger = RSAKey.generate_key(2048, {"kid": "third"})
        for number in range(3):
            forged = issuer.token(ask.t.clock.now(), stranger, jti=str(number))
            assert await ask.code(TEAMS, forged) == "UNAUTHENTICATED"
        assert issuer.asked == 2


async def test_a_provider_that_is_away_leaves_its_keys_and_without_any_we_say_so() -> None:
    async with asking("sqlite") as (ask, issuer):
        await uma(ask)
        issuer.is_away = True
        early = issuer.token(ask.t.clock.now())
        answer = await ask(TEAMS, early)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (
            503,
            "UNAVAILABLE",
        )
        issuer.is_away = False
        await ask.data(TEAMS, early)
        issuer.is_away = True
        ask.t.clock.move(hours=1)
        await ask.data(TEAMS, issuer.token(ask.t.clock.now()))


async def test_whom_it_names_for_the_first_time_is_a_user_where_that_is_wanted(engine: str) -> None:
    async with asking(engine, create_users=True, roles=["sales"]) as (ask, issuer):
        now = ask.t.clock.now()
        said = {"sub": "ada", "email": "Ada@Example.com", "name": "Ada"}
        for _ in range(2):
            found = (await ask.data(WHO, issuer.token(now, **said)))["me"]
            assert found["user"] == {"name": "Ada", "mail": "ada@example.com"}
            assert "core.customer.read" in found["permissions"]
            ask.t.clock.move(seconds=5)
        for others in (
            {"sub": "eve", "email": "ada@example.com"},
            {"sub": "eve", "email": "eve@example.com", "email_verified": False},
            {"sub": "eve"},
        ):
            assert await ask.code(TEAMS, issuer.token(now, **others)) == "UNAUTHENTICATED"


def test_an_issuer_whom_anybody_could_speak_for_is_refused() -> None:
    with pytest.raises(ValueError, match="no https address"):
        Settings.model_validate(
            {"access": {"oidc": {"issuer": "http://id.example", "audience": AUDIENCE}}}
        )

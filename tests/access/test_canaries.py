from __future__ import annotations

import io
from typing import Any

import pytest
from sqlalchemy import select

from crmkit.cli.logs import log_json
from crmkit.host.tables import CORE, tables_of
from crmkit.testing import crm
from tests.access.asking import INVITE, TEAMS, Asking
from tests.access.test_passwords import ACCEPT, CHANGE, LEAVE, OTHER, OUT, PASSWORD, RESET, SIGN_IN

pytestmark = pytest.mark.anyio

MAIL = "uma@example.com"


async def lived(ask: Asking) -> list[str]:
    """Uses everything with which somebody signs in, also wrongly, and returns what is secret."""
    asked = {"name": "Uma", "mail": MAIL, "roles": ["sales"], "idempotencyKey": "a"}
    invited = (await ask.t.gql(INVITE, input=asked))["inviteUser"]
    secrets = [PASSWORD, OTHER, invited["token"]]
    accepted = await ask.data(ACCEPT, token=invited["token"], password=PASSWORD)
    session = accepted["acceptInvitation"]["token"]
    signed = await ask(
        """mutation ($password: String!) { signIn(input: {mail: "uma@example.com",
          password: $password, idempotencyKey: "b"}) { token } }""",
        password=PASSWORD,
    )
    secrets += [session, signed.json()["data"]["signIn"]["token"]]
    id_ = invited["user"]["id"]
    key, _ = await ask.key(userId=id_, idempotencyKey="c")
    reset = (await ask.t.gql(RESET, id=id_))["resetPassword"]["token"]
    for token in (session, key, f"{key[:-1]}g", "a.b.c"):
        await ask(TEAMS, token)
    await ask(SIGN_IN, mail=MAIL, password="a wrong guess of it")
    await ask("mutation ($password: Int!) { signIn }", password=PASSWORD)
    await ask.data(CHANGE, session, current=PASSWORD, new=OTHER)
    await ask.data(OUT, session, all=False)
    await ask.t.gql(LEAVE, id=id_)
    return [*secrets, key, reset, "a wrong guess of it"]


async def test_no_secret_stands_in_a_column_or_in_the_log(
    engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = io.StringIO()
    log_json(log)
    async with crm(engine=engine, profile="production", secret="x" * 32) as t:
        secrets = await lived(Asking(t))
        rows: list[Any] = []
        for table in tables_of(CORE):
            rows += await t.host.database.fetch(select(table))
    kept, said = repr(rows), log.getvalue() + "".join(capsys.readouterr())
    assert "$argon2id$" in kept
    assert len(said.splitlines()) > 8
    for secret in secrets:
        told = secret.rpartition("_")[2]
        assert told not in kept
        assert told.encode().hex() not in kept
        assert told not in said
    assert "x" * 32 not in kept + said

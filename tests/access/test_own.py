"""Everybody sees and ends how he signs in himself, and nothing of anybody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.access.asking import INVITE, TEAMS, Asking
from tests.access.test_passwords import ACCEPT, PASSWORD, SIGN_IN, refusal

pytestmark = pytest.mark.anyio

KEYS = """{ ownApiKeys { id name permissions networks readOnly createdAt expiresAt lastUsedAt
  revokedAt } }"""
SESSIONS = "{ ownSessions { id createdAt expiresAt isThis } }"
REVOKE = "mutation ($id: ID!) { revokeOwnApiKey(input: {id: $id}) { id revokedAt } }"
END = "mutation ($id: ID!) { endSession(input: {id: $id}) { id } }"
ENTRIES = """query ($operation: String!) { auditEntries(
  where: {operation: {eq: $operation}}) { nodes { actor changes { record act } } } }"""


async def member(ask: Asking, name: str, role: str = "sales") -> tuple[str, str]:
    """Somebody with a password: their id, and a session."""
    asked = {"name": name, "mail": f"{name.lower()}@example.com", "roles": [role]}
    made: dict[str, Any] = (await ask.t.gql(INVITE, input=asked))["inviteUser"]
    said = await ask.data(ACCEPT, token=made["token"], password=PASSWORD)
    return made["user"]["id"], said["acceptInvitation"]["token"]


async def test_somebody_sees_his_own_keys_and_ends_them(ask: Asking) -> None:
    uma, session = await member(ask, "Uma")
    token, id_ = await ask.key(userId=uma)
    await ask.key(userId=(await member(ask, "Ada"))[0])
    [key] = (await ask.data(KEYS, session))["ownApiKeys"]
    assert (key["id"], key["name"], key["revokedAt"]) == (id_, "a program", None)
    assert token.rpartition("_")[2] not in str(key)
    for _ in range(2):
        ended = (await ask.data(REVOKE, session, id=id_))["revokeOwnApiKey"]
        assert ended == {"id": id_, "revokedAt": "2026-01-01T00:00:00.000000Z"}
    assert await ask.code(TEAMS, token) == "UNAUTHENTICATED"
    [key] = (await ask.data(KEYS, session))["ownApiKeys"]
    assert key["revokedAt"] == ended["revokedAt"]
    [entry] = (await ask.t.gql(ENTRIES, operation="revokeOwnApiKey"))["auditEntries"]["nodes"]
    assert entry == {"actor": uma, "changes": [{"record": id_, "act": "CHANGED"}]}


async def test_somebody_sees_where_he_has_signed_in_and_ends_it(ask: Asking) -> None:
    uma, session = await member(ask, "Uma")
    ask.t.clock.move(minutes=1)
    said = {"mail": "uma@example.com", "password": PASSWORD}
    other = (await ask.data(SIGN_IN, **said))["signIn"]["token"]
    newer, older = (await ask.data(SESSIONS, session))["ownSessions"]
    assert (newer["isThis"], older["isThis"]) == (False, True)
    await ask.data(END, session, id=newer["id"])
    ask.t.clock.move(seconds=5)
    assert await ask.code(TEAMS, other) == "UNAUTHENTICATED"
    assert (await ask.data(SESSIONS, session))["ownSessions"] == [older]
    [entry] = (await ask.t.gql(ENTRIES, operation="endSession"))["auditEntries"]["nodes"]
    assert entry["actor"] == uma


async def test_what_is_somebody_elses_is_not_there(ask: Asking) -> None:
    ada, hers = await member(ask, "Ada", "admin")
    _, session = await member(ask, "Uma")
    _, key = await ask.key(userId=ada)
    [own] = (await ask.data(SESSIONS, hers))["ownSessions"]
    assert await ask.data(KEYS, session) == {"ownApiKeys": []}
    assert await refusal(ask, REVOKE, session, id=key) == "NOT_FOUND"
    assert await refusal(ask, END, session, id=own["id"]) == "NOT_FOUND"
    [kept] = (await ask.data(KEYS, hers))["ownApiKeys"]
    assert kept["revokedAt"] is None
    assert await ask.data(TEAMS, hers)


async def test_a_key_neither_sees_nor_ends_how_its_user_signs_in(ask: Asking) -> None:
    uma, _ = await member(ask, "Uma", "admin")
    token, id_ = await ask.key(userId=uma)
    for document, given in ((KEYS, {}), (SESSIONS, {}), (REVOKE, {"id": id_}), (END, {"id": "x"})):
        assert await refusal(ask, document, token, **given) == "core.sign_in_yourself"


async def test_who_has_not_signed_in_has_nothing_of_his_own(ask: Asking) -> None:
    for document, given in ((KEYS, {}), (SESSIONS, {}), (REVOKE, {"id": "x"}), (END, {"id": "x"})):
        assert await ask.code(document, **given) in {"FORBIDDEN", "UNAUTHENTICATED"}

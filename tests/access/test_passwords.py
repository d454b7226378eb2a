from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pwdlib import PasswordHash
from sqlalchemy import func, select

from crmkit.access.models import Invitation, Session
from crmkit.access.service import forget_ended
from crmkit.values import passwords
from tests.access.asking import INVITE, TEAMS, Asking

pytestmark = pytest.mark.anyio

ACCEPT = """mutation ($token: String!, $password: String!) {
  acceptInvitation(input: {token: $token, password: $password}) { token expiresAt } }"""
SIGN_IN = """mutation ($mail: String!, $password: String!) {
  signIn(input: {mail: $mail, password: $password}) { token expiresAt } }"""
CHANGE = """mutation ($current: String!, $new: String!) {
  changePassword(input: {current: $current, new: $new}) { changedAt } }"""
RESET = "mutation ($id: ID!) { resetPassword(input: {userId: $id}) { token } }"
LEAVE = "mutation ($id: ID!) { deactivateUser(input: {id: $id}) { user { active } } }"
RETURN = "mutation ($id: ID!) { reactivateUser(input: {id: $id}) { user { active } } }"
ROLE = "mutation ($input: CreateRoleInput!) { createRole(input: $input) { role { id } } }"
INVITER = ["core.user.invite", "core.user.read", "core.role.grant"]
RESETTER = ["core.user.reset_password", "core.user.read"]
OUT = "mutation ($all: Boolean!) { signOut(input: {everywhere: $all}) { everywhere } }"

MAIL = "uma@example.com"
PASSWORD = "correct horse battery"
OTHER = "staple correct horse"


async def invited(ask: Asking, role: str = "sales") -> dict[str, Any]:
    asked = {"name": "Uma", "mail": MAIL, "roles": [role]}
    return dict((await ask.t.gql(INVITE, input=asked))["inviteUser"])


async def member(ask: Asking, role: str = "sales") -> tuple[str, str]:
    """Somebody with a password; their id, and a session."""
    made = await invited(ask, role)
    accepted = await ask.data(ACCEPT, token=made["token"], password=PASSWORD)
    return made["user"]["id"], accepted["acceptInvitation"]["token"]


async def session(ask: Asking, **given: Any) -> str:
    said = {"mail": MAIL, "password": PASSWORD, **given}
    return str((await ask.data(SIGN_IN, **said))["signIn"]["token"])


async def refusal(ask: Asking, document: str, token: str | None = None, /, **given: Any) -> str:
    """The one error of a mutation that had no effect, as its reason."""
    answer = (await ask(document, token, **given)).json()
    [error] = answer["errors"]
    return str(error["extensions"].get("reason") or error["extensions"]["code"])


async def test_an_invited_user_chooses_a_password_and_is_in(ask: Asking) -> None:
    _, token = await member(ask)
    assert await ask.data(TEAMS, token)
    assert await ask.data(TEAMS, await session(ask, mail=" Uma@Example.com "))


async def test_a_link_works_once_and_ends_by_itself(ask: Asking) -> None:
    made = await invited(ask)
    said = {"token": made["token"], "password": PASSWORD}
    answers = await asyncio.gather(*[ask(ACCEPT, **said) for _ in range(2)])
    assert sorted("errors" in each.json() for each in answers) == [False, True]
    assert await refusal(ask, ACCEPT, **said) == "core.link_ended"
    again = (await ask.t.gql(RESET, id=made["user"]["id"]))["resetPassword"]["token"]
    ask.t.clock.move(hours=72)
    assert await refusal(ask, ACCEPT, token=again, password=OTHER) == "core.link_ended"


async def test_unknown_wrong_and_deactivated_are_answered_alike(ask: Asking) -> None:
    id_, _ = await member(ask)
    wrong = [(await ask(SIGN_IN, mail=MAIL, password=OTHER)).json()]
    wrong.append((await ask(SIGN_IN, mail="nobody@example.com", password=OTHER)).json())
    await ask.t.gql(LEAVE, id=id_)
    wrong.append((await ask(SIGN_IN, mail=MAIL, password=PASSWORD)).json())
    assert len({each["errors"][0]["message"] for each in wrong}) == 1
    assert {each["errors"][0]["extensions"]["code"] for each in wrong} == {"UNAUTHENTICATED"}


async def test_an_unknown_mailbox_takes_as_many_hashes_as_a_known_one(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    await member(ask)
    verified = []

    class Counted(PasswordHash):
        def verify(self, password: str | bytes, hash: str | bytes) -> bool:
            verified.append(hash)
            return super().verify(password, hash)

    monkeypatch.setattr(passwords, "_ARGON2", Counted(passwords._ARGON2.hashers))
    for mail in (MAIL, "nobody@example.com"):
        await refusal(ask, SIGN_IN, mail=mail, password=OTHER)
    assert len(verified) == len(set(verified)) == 2


async def test_five_guesses_a_minute_for_an_account_wherever_they_come_from(ask: Asking) -> None:
    await member(ask)
    for number in range(5):
        guess = {"mail": MAIL, "password": f"a guess, number {number}"}
        assert await refusal(ask, SIGN_IN, **guess, client=f"192.0.2.{number}") == (
            "core.wrong_password"
        )
    right = {"mail": MAIL, "password": PASSWORD}
    answer = (await ask(SIGN_IN, **right, client="192.0.2.9")).json()["errors"][0]["extensions"]
    assert (answer["code"], answer["problems"][0]["params"]) == ("LIMITED", {"retryAfter": 12})
    ask.t.clock.move(seconds=12)
    assert await session(ask, client="192.0.2.9")


async def test_five_guesses_a_minute_from_an_address_whoever_is_meant(ask: Asking) -> None:
    await member(ask)
    for number in range(5):
        guess = {"mail": f"{number}@example.com", "password": PASSWORD}
        assert await refusal(ask, SIGN_IN, **guess) == "core.wrong_password"
    assert await refusal(ask, SIGN_IN, mail=MAIL, password=PASSWORD) == "core.too_often"


async def test_who_knows_the_password_may_sign_in_as_often_as_he_likes(ask: Asking) -> None:
    await member(ask)
    assert len({await session(ask) for _ in range(8)}) == 8


async def test_a_session_ends_by_itself_and_when_its_user_signs_out(ask: Asking) -> None:
    _, first = await member(ask)
    second, third = await session(ask), await session(ask)
    await ask.data(OUT, first, all=False)
    ask.t.clock.move(seconds=5)
    assert await ask.code(TEAMS, first) == "UNAUTHENTICATED"
    await ask.data(OUT, second, all=True)
    ask.t.clock.move(seconds=5)
    assert await ask.code(TEAMS, third) == "UNAUTHENTICATED"
    late = await session(ask)
    ask.t.clock.move(hours=12)
    assert await ask.code(TEAMS, late) == "UNAUTHENTICATED"


async def test_a_new_password_ends_all_other_sessions(ask: Asking) -> None:
    _, other = await member(ask)
    own = await session(ask)
    assert await refusal(ask, CHANGE, own, current=OTHER, new=OTHER) == "core.wrong_password"
    await ask.data(CHANGE, own, current=PASSWORD, new=OTHER)
    ask.t.clock.move(seconds=5)
    assert await ask.code(TEAMS, other) == "UNAUTHENTICATED"
    assert await ask.data(TEAMS, own)
    assert await refusal(ask, SIGN_IN, mail=MAIL, password=PASSWORD) == "core.wrong_password"
    assert await session(ask, password=OTHER)


async def test_a_reset_leaves_the_old_password_until_a_new_one_is_chosen(ask: Asking) -> None:
    id_, old = await member(ask)
    link = (await ask.t.gql(RESET, id=id_))["resetPassword"]["token"]
    assert await session(ask)
    await ask.data(ACCEPT, token=link, password=OTHER)
    ask.t.clock.move(seconds=5)
    assert await ask.code(TEAMS, old) == "UNAUTHENTICATED"
    assert await session(ask, password=OTHER)


async def test_who_leaves_loses_all_that_is_theirs_within_five_seconds(ask: Asking) -> None:
    id_, own = await member(ask)
    key, _ = await ask.key(userId=id_)
    link = (await ask.t.gql(RESET, id=id_))["resetPassword"]["token"]
    for token in (own, key):
        await ask.data(TEAMS, token)
    await ask.t.gql(LEAVE, id=id_)
    ask.t.clock.move(seconds=5)
    for token in (own, key):
        assert await ask.code(TEAMS, token) == "UNAUTHENTICATED"
    assert await refusal(ask, ACCEPT, token=link, password=OTHER) == "core.link_ended"
    await ask.t.gql(RETURN, id=id_)
    assert await ask.code(TEAMS, key) == "UNAUTHENTICATED"
    assert await ask.data(TEAMS, await session(ask))


async def test_somebody_stays_who_can_undo_it(ask: Asking) -> None:
    id_, own = await member(ask, "admin")
    assert await refusal(ask, LEAVE, own, id=id_) == "core.yourself"
    errors = await ask.t.errors(LEAVE, id=id_)
    assert errors[0]["extensions"]["reason"] == "core.last_admin"
    await ask.user("Ada")
    await ask.t.gql(LEAVE, id=id_)


async def test_nobody_resets_the_password_of_somebody_who_may_more(ask: Asking) -> None:
    boss = await ask.user("Ada")
    role = {"key": "desk", "name": "Desk", "permissions": RESETTER}
    await ask.t.gql(ROLE, input=role)
    token, _ = await ask.key(userId=await ask.user("Uma", "desk"))
    assert await refusal(ask, RESET, token, id=boss) == "core.wider_than_own"


async def test_nobody_invites_with_a_role_that_gives_more_than_he_has(ask: Asking) -> None:
    await ask.t.gql(ROLE, input={"key": "desk", "name": "Desk", "permissions": INVITER})
    token, _ = await ask.key(userId=await ask.user("Uma", "desk"))
    asked = {"name": "Eve", "mail": "eve@example.com"}
    for roles, reason in ((["admin"], "core.wider_than_own"), (["boss"], "INVALID")):
        assert await refusal(ask, INVITE, token, input={**asked, "roles": roles}) == reason


async def test_a_password_of_few_characters_is_refused(ask: Asking) -> None:
    made = await invited(ask)
    assert await refusal(ask, ACCEPT, token=made["token"], password="eleven char") == "INVALID"
    assert await ask.data(ACCEPT, token=made["token"], password="中文密码也可以用十二个字")


async def test_one_password_is_itself_whichever_keyboard_has_written_it(ask: Asking) -> None:
    made = await invited(ask)
    composed, decomposed = "M\u00fcller-Passwort", "Mu\u0308ller-Passwort"
    await ask.data(ACCEPT, token=made["token"], password=composed)
    assert await session(ask, password=decomposed)


async def test_passwords_are_kept_as_argon2id() -> None:
    assert (await passwords.hashed(PASSWORD)).startswith("$argon2id$")


async def test_what_has_ended_is_forgotten(ask: Asking) -> None:
    id_, _ = await member(ask)
    await ask.t.gql(RESET, id=id_)
    await refusal(ask, SIGN_IN, mail=MAIL, password=OTHER)
    ask.t.clock.move(hours=80)
    live = await session(ask)
    await ask.t.unit(forget_ended)
    counted = [select(func.count()).select_from(each) for each in (Session, Invitation)]
    rows = [await ask.t.host.database.fetch(each) for each in counted]
    assert rows == [[(1,)], [(0,)]]
    assert await ask.data(TEAMS, live)

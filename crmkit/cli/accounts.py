"""`crmkit user` and `crmkit token`: who may come in, told and changed from a terminal."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from crmkit.cli.running import log_to_stderr, opened
from crmkit.graph.endpoint import GraphQL
from crmkit.settings import load_settings
from crmkit.values.clock import SystemClock
from crmkit.values.errors import Failure, SetupError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from crmkit.app import Crm

_INVITE = """mutation ($input: InviteUserInput!) {
  inviteUser(input: $input) { token link expiresAt } }"""
_RESET = """mutation ($id: ID!) {
  resetPassword(input: {userId: $id}) { token link expiresAt } }"""
_DEACTIVATE = "mutation ($id: ID!) { deactivateUser(input: {id: $id}) { user { id } } }"
_CREATE = """mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { token apiKey { id } } }"""
_REVOKE = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { id } } }"
_USER = "query ($mail: String!) { users(where: {mail: {eq: $mail}}) { nodes { id } } }"
_TEAM = "query ($name: String!) { teams(where: {name: {eq: $name}}) { nodes { id } } }"
_USERS = """query ($after: String) { users(first: 100, after: $after) {
  nodes { name mail active team { name } roles { role { key } } }
  pageInfo { hasNextPage endCursor } } }"""
_KEYS = """query ($after: String) { apiKeys(first: 100, after: $after) {
  nodes { id name user { mail } service readOnly expiresAt lastUsedAt revokedAt }
  pageInfo { hasNextPage endCursor } } }"""

_OUT = Console(highlight=False, markup=False, soft_wrap=True)


class _Asking:
    """The endpoint of an app that is open, asked as the system."""

    def __init__(self, crm: Crm) -> None:
        self._endpoint = GraphQL(crm.schema, crm.host)

    async def __call__(self, document: str, **variables: Any) -> Any:
        """The value of the only root field.

        Raises:
            Failure: There is none, as the endpoint says why.
        """
        answer = await self._endpoint.execute(document, variables=variables)
        for each in answer.get("errors", ()):
            raise Failure(each["message"])
        [value] = answer["data"].values()
        return value

    async def every(self, document: str) -> list[Any]:
        """All records of a list, page by page."""
        found, page = [], await self(document)
        while True:
            found += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            page = await self(document, after=page["pageInfo"]["endCursor"])

    async def user(self, mail: str) -> str:
        return _only("user", mail, await self(_USER, mail=mail.strip().lower()))

    async def team(self, name: str) -> str:
        return _only("team", name, await self(_TEAM, name=name))


def invite(name: str, mail: str, roles: Sequence[str], team: str | None) -> None:
    """Adds a user, and prints what they choose a password with."""

    async def work(ask: _Asking) -> Any:
        asked = {"name": name, "mail": mail, "roles": list(roles)}
        asked |= {} if team is None else {"teamId": await ask.team(team)}
        return await ask(_INVITE, input=asked)

    _tell_link(name, _run(work))


def reset(mail: str) -> None:
    """Prints what a user chooses a new password with."""

    async def work(ask: _Asking) -> Any:
        return await ask(_RESET, id=await ask.user(mail))

    _tell_link(mail, _run(work))


def deactivate(mail: str) -> None:
    """Lets a user in no longer."""

    async def work(ask: _Asking) -> Any:
        return await ask(_DEACTIVATE, id=await ask.user(mail))

    _run(work)
    _OUT.print(f"{mail} is out: keys, sessions and links end within 5 s.")


def users() -> None:
    """Lists users, with their roles."""
    table = Table("name", "mail", "team", "roles", "active", box=SIMPLE)
    for each in _run(lambda ask: ask.every(_USERS)):
        roles = ", ".join(held["role"]["key"] for held in each["roles"])
        team = each["team"]["name"] if each["team"] else "–"
        active = "yes" if each["active"] else "no"
        table.add_row(each["name"], each["mail"], team, roles or "–", active)
    _OUT.print(table)


def create(
    name: str,
    user: str | None,
    service: str | None,
    permissions: Sequence[str],
    networks: Sequence[str],
    days: int | None,
    *,
    read_only: bool,
) -> None:
    """Makes a key, and prints its token, which nobody is told again."""

    async def work(ask: _Asking) -> Any:
        asked: dict[str, Any] = {"name": name, "networks": list(networks), "readOnly": read_only}
        asked |= {"permissions": list(permissions)} if permissions else {}
        asked |= {"service": service} if service else {}
        asked |= {"userId": await ask.user(user)} if user else {}
        if days is not None:
            asked["expiresAt"] = (SystemClock().now() + timedelta(days=days)).isoformat()
        return await ask(_CREATE, input=asked)

    made = _run(work)
    _OUT.print(f"{made['apiKey']['id']} is made. Its program says, and nobody is told again:\n")
    _OUT.print(f"  Authorization: Bearer {made['token']}")


def tokens() -> None:
    """Lists keys, those that have ended as well."""
    table = Table("id", "name", "of", "state", "ends", "last used", box=SIMPLE)
    for each in _run(lambda ask: ask.every(_KEYS)):
        owner = each["user"]["mail"] if each["user"] else each["service"]
        state = "revoked" if each["revokedAt"] else "reads" if each["readOnly"] else "open"
        moments = [_day(each["expiresAt"]), _day(each["lastUsedAt"])]
        table.add_row(each["id"], each["name"], owner, state, *moments)
    _OUT.print(table)


def revoke(id: str) -> None:
    """Ends a key."""
    _run(lambda ask: ask(_REVOKE, id=id))
    _OUT.print(f"{id} ends within 5 s.")


def _run(work: Callable[[_Asking], Awaitable[Any]]) -> Any:
    async def opening() -> Any:
        async with opened(load_settings()) as crm:
            return await work(_Asking(crm))

    log_to_stderr(logging.WARNING)
    return asyncio.run(opening())


def _only(kind: str, name: str, found: Any) -> str:
    ids = [str(each["id"]) for each in found["nodes"]]
    if len(ids) != 1:
        raise SetupError(f"There {'are several' if ids else 'is no'} {kind} {name!r}.")
    return ids[0]


def _tell_link(who: str, made: Any) -> None:
    _OUT.print(f"{who} chooses a password, once and until {_day(made['expiresAt'])}, with:\n")
    _OUT.print(f"  {made['link'] or made['token']}")
    if not made["link"]:
        _OUT.print("\nacceptInvitation takes it; access.link says which page does.")


def _day(moment: str | None) -> str:
    return f"{moment[:16].replace('T', ' ')} UTC" if moment else "–"

"""Keys to the demo company: for an admin, and for somebody in sales who sees his own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.graph.endpoint import GraphQL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit.app import Crm

_WHO = {"colleague1@example.org": "admin", "colleague2@example.org": "sales"}
_NAME = "The demo"

_KNOWN = """query ($mails: [String!]!, $roles: [String!]!, $name: String!) {
  users(where: {mail: {in: $mails}}) { nodes { id name mail team { name } } }
  roles(where: {key: {in: $roles}}) { nodes { id key } }
  apiKeys(where: {name: {eq: $name}, revokedAt: {isNull: true}}, first: 1000) { nodes { id } }
}"""
_GRANT = """mutation ($items: [GrantRoleItem!]!) {
  grantRoles(input: {items: $items}) { results { index } } }"""
_REVOKE = """mutation ($items: [RevokeApiKeyItem!]!) {
  revokeApiKeys(input: {items: $items}) { results { index } } }"""
_CREATE = """mutation ($user: ID!, $name: String!) {
  createApiKey(input: {userId: $user, name: $name}) { token } }"""


@dataclass(frozen=True)
class Key:
    """What somebody of the demo company signs in with."""

    who: str
    role: str
    team: str
    token: str


async def new_keys(crm: Crm) -> list[Key]:
    """Gives two colleagues their roles and a new key each, and ends those of the last time."""
    endpoint = GraphQL(crm.schema, crm.host)

    async def ask(document: str, **variables: Any) -> Mapping[str, Any]:
        data: Mapping[str, Any] = (await endpoint.execute(document, variables=variables))["data"]
        return data

    known = await ask(_KNOWN, mails=[*_WHO], roles=[*_WHO.values()], name=_NAME)
    users = {each["mail"]: each for each in known["users"]["nodes"]}
    roles = {each["key"]: each["id"] for each in known["roles"]["nodes"]}
    pairs = [(users[mail], role) for mail, role in _WHO.items()]
    granted = [{"userId": user["id"], "roleId": roles[role]} for user, role in pairs]
    await ask(_GRANT, items=granted)
    await ask(_REVOKE, items=[{"id": each["id"]} for each in known["apiKeys"]["nodes"]])
    return [
        Key(user["name"], role, user["team"]["name"], await _token(ask, user["id"]))
        for user, role in pairs
    ]


async def _token(ask: Any, user: str) -> str:
    made = await ask(_CREATE, user=user, name=_NAME)
    token: str = made["createApiKey"]["token"]
    return token

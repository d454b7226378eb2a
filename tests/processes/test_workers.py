"""Servers and workers are killed wherever it hurts; what was promised happens, and once."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crmkit.app import load_plugins, open_crm
from crmkit.host import migrations
from crmkit.settings import Settings
from crmkit.testing import Trial
from crmkit.testing.databases import databases
from crmkit.values.clock import ManualClock
from tests.processes.receiver import Receiver
from tests.processes.servers import CRMKIT, DEADLINE, Server, ask, environment

SOAK = bool(os.environ.get("CRMKIT_SOAK"))
HOOK = """mutation ($url: String!, $role: ID!) { createWebhook(input: {
  url: $url, events: ["core.CustomersCreated"], roleId: $role}) { webhook { id } } }"""
ROLE = 'mutation { createRole(input: {key: "erp", name: "ERP", preset: "sales", scope: "all"}) { role { id } } }'
CREATE = 'mutation { createCustomer(input: {kind: PERSON, name: "Ada"}) { customer { id } } }'


class Yard:
    """A database, a folder, and the processes that run on one and in the other."""

    def __init__(self, engine: str, folder: Path, *bundled: str) -> None:
        self.folder = folder
        self.address = databases().empty(engine)
        self.settings = Settings.model_validate(
            {"database": {"url": self.address}, "plugins": {"enabled": bundled}}
        )
        migrations.upgrade(self.address, load_plugins(self.settings))
        _install(folder)
        self.around = environment(self.address, *(bundled or ("drill",))) | {
            "CRMKIT_HTTP__ALLOW_NETWORKS": '["127.0.0.1/32"]',
            "PYTHONPATH": str(folder),
            "CRMKIT_WORKER__LEASE_SECONDS": "1",
            "CRMKIT_WORKER__BACKOFF_SECONDS": "0.05",
            "CRMKIT_WORKER__INSIDE": "false",
        }

    def create(self) -> str:
        """Has a server create a customer, and kills it before anybody is told."""
        server = Server(self.around, self.folder)
        server.start()
        server.wait_until_ready()
        made = str(ask(server.url, CREATE)["createCustomer"]["customer"]["id"])
        server.kill()
        return made

    async def hook(self, url: str) -> None:
        """Makes a webhook and a customer, in this process, which tells nobody of anything."""
        crm = await open_crm(self.settings)
        try:
            await crm.prepare()
            t = Trial(crm, ManualClock())
            role = (await t.gql(ROLE))["createRole"]["role"]["id"]
            await t.gql(HOOK, url=url, role=role)
            await t.gql(CREATE)
        finally:
            await crm.close()

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker, which ends when it is told to unless a test has killed it."""
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [CRMKIT, "worker"], env=self.around, cwd=self.folder, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            process.terminate()
            ended = process.wait(DEADLINE)
        assert ended in (0, -9), (self.folder / "worker.log").read_text()

    def kill_at_work(self) -> None:
        """Has a worker begin something, and kills it in the middle of it."""
        hold, begun = self.folder / "hold", self.folder / "begun"
        hold.touch()
        begun.unlink(missing_ok=True)
        with self.worker() as dying:
            self.until(lambda: begun.exists() and len({*begun.read_text().split()}) == 2)
            dying.kill()
        hold.unlink()

    def rows(self, statement: str) -> list[Any]:
        return migrations.connected(
            self.address, lambda each: [tuple(row) for row in each.execute(text(statement))]
        )

    def noted(self, kind: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM interaction WHERE kind = '{kind}'")[0][0])  # noqa: S608

    def until(self, condition: Callable[[], Any]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, (self.folder / "worker.log").read_text()
            time.sleep(0.05)


def _install(folder: Path) -> None:
    """Makes the drill a plugin that processes of this folder find."""
    said = folder / "drill-1.0.dist-info"
    said.mkdir()
    (said / "METADATA").write_text("Metadata-Version: 2.1\nName: drill\nVersion: 1.0\n")
    (said / "entry_points.txt").write_text("[crmkit.plugins]\ndrill = drill:Drill\n")
    shutil.copyfile(Path(__file__).with_name("drill.py"), folder / "drill.py")


@pytest.fixture
def yard(engine: str, tmp_path: Path) -> Iterator[Yard]:
    made = Yard(engine, tmp_path)
    yield made
    databases().drop(made.address)


def test_what_a_killed_server_committed_and_a_killed_worker_began_happens_once_at_last(
    yard: Yard,
) -> None:
    yard.create()
    yard.kill_at_work()
    assert (yard.noted("delivered"), yard.noted("worked")) == (0, 0)
    fail = yard.folder / "fail"
    fail.touch()
    ticks = "SELECT at, count(*) FROM job WHERE name = 'drill.tick' GROUP BY at"
    with yard.worker(), yard.worker():
        yard.until(lambda: yard.rows("SELECT 1 FROM delivery WHERE tries >= 3"))
        fail.unlink()
        yard.until(lambda: yard.noted("delivered") and yard.noted("worked"))
        yard.until(lambda: len(yard.rows(ticks)) >= 3)
    assert (yard.noted("delivered"), yard.noted("worked")) == (1, 1)
    assert {count for _, count in yard.rows(ticks)} == {1}
    assert yard.rows("SELECT state, count(*) FROM delivery GROUP BY state") == [("done", 1)]


# Who takes over from whom is tried on both engines above; here it is what a receiver sees.
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"] if SOAK else ["sqlite"], indirect=True)
def test_a_webhook_whose_worker_is_killed_meanwhile_arrives_under_the_same_id(
    engine: str, tmp_path: Path
) -> None:
    yard = Yard(engine, tmp_path, "webhooks")
    with Receiver() as receiver:
        asyncio.run(yard.hook(receiver.url))
        with yard.worker() as dying:
            yard.until(lambda: receiver.got)
            dying.kill()
        delivered = "SELECT id FROM webhooks_delivery WHERE state = 'delivered'"
        assert yard.rows(delivered) == []
        receiver.answers.set()
        with yard.worker():
            yard.until(lambda: yard.rows(delivered))
        [(message,)] = yard.rows(delivered)
    assert len(receiver.got) >= 2
    assert {*receiver.got} == {message}
    databases().drop(yard.address)

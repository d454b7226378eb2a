"""Two servers, two workers, PostgreSQL, a synchronous standby and pgbouncer, on this machine.

    python examples/cluster/cluster.py [--direct]

It starts them, has clients write, kills each of them in turn, the primary last, promotes the
standby, and says whether anything that was acknowledged is lost or doubled. It takes the programs
of PostgreSQL (Debian: `postgresql`), and as root runs them as the user `postgres`. Where there is
pgbouncer (Debian: `pgbouncer`), everybody reaches the primary through it, and it is killed, too;
with `--direct`, or without it, they know both servers and find the primary by themselves.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

CRMKIT = str(Path(sys.executable).with_name("crmkit"))
WRITES = 100  # that are acknowledged between two kills
USER = "postgres" if os.geteuid() == 0 else None
POOLER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
SAID = {"enable_mergejoin": "off", "statement_timeout": "9s"}  # by our connections as they begin

ADD = 'mutation { createCustomer(input: {name: "Ada"}) { customer { id } } }'
GRANT = """mutation ($id: ID!, $key: String!) { adjustPoints(
  input: {customerId: $id, points: "1", reason: "cluster", idempotencyKey: $key}) {
  entry { id } } }"""
ENTRIES = """query ($id: ID!, $after: String) { node(id: $id) { ... on Customer {
  loyaltyPoints loyaltyEntries(first: 1000, after: $after) {
    nodes { id } pageInfo { hasNextPage endCursor } } } } }"""


class Postgres:
    """One server of PostgreSQL, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        run("initdb", "--pgdata", self.folder, "--username", "postgres", "--auth", "trust")
        with (self.folder / "postgresql.auto.conf").open("a") as settings:
            settings.write("synchronous_standby_names = 'standby'\nmax_wal_senders = 10\n")

    def copy_of(self, primary: Postgres) -> None:
        address = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        run("pg_basebackup", "--pgdata", self.folder, "-R", "--checkpoint=fast", "-d", address)

    def start(self) -> None:
        command = [program("postgres"), "-D", self.folder, "-p", str(self.port)]
        options = ["-k", self.folder, "-h", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*command, *options], stderr=log, stdout=log, user=USER)
        until(lambda: run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), fails=True))

    def sql(self, statement: str) -> str:
        at = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", "postgres"]
        return run("psql", *at, "--no-psqlrc", "-Atc", statement)

    def promote(self) -> None:
        # There is nobody left for whom a commit could wait.
        self.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.sql("SELECT pg_reload_conf()")
        self.sql("SELECT pg_promote()")

    def kill(self) -> None:
        """All of its processes at once, as when the machine is gone."""
        assert self.process is not None
        listed = run("ps", "--ppid", str(self.process.pid), "-o", "pid=", fails=True) or ""
        self.process.kill()
        for each in listed.split():
            with_patience(lambda pid=int(each): os.kill(pid, 9))
        self.process.wait()


class Bouncer:
    """pgbouncer before the primary; it pools sessions, because servers prepare and listen."""

    name = "pgbouncer"

    def __init__(self, folder: Path, primary: Postgres) -> None:
        self.port = free_port()
        self._settings = folder / "pgbouncer.ini"
        self._log = folder / "pgbouncer.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.lead_to(primary)

    def lead_to(self, primary: Postgres) -> None:
        """Leads whoever comes from now on to this server."""
        # What a client says when it connects a pooler does not hand on: the database says it,
        # see `play`. Without a short retry it would look for a dead primary for 15 seconds.
        self._settings.write_text(f"""[databases]
crm = host=127.0.0.1 port={primary.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = session
default_pool_size = 80
max_client_conn = 200
server_login_retry = 1
ignore_startup_parameters = {", ".join(SAID)}
""")
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [POOLER, self._settings], stderr=log, stdout=log, user=USER
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Process:
    """A server or a worker of ours."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.port = free_port()
        self._environment = environment
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        serve = ["serve", "--port", str(self.port)]
        command = [CRMKIT, *(serve if self.name.startswith("server") else ["worker"])]
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, cwd=self._folder, stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Clients:
    """They write without end, and ask the other server with the same key until it is done."""

    def __init__(self, servers: list[Process]) -> None:
        self._servers = servers
        self.customer = self._sure(ADD, {}, 0)["createCustomer"]["customer"]["id"]
        self.done: list[tuple[float, str]] = []
        self.told: Counter[str] = Counter()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(4)]

    def __enter__(self) -> Clients:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for each in self._threads:
            each.join()

    def check(self) -> str:
        """Ends with a sentence if anything was lost or doubled."""
        acknowledged = Counter(entry for _, entry in self.done)
        entries, points = self._entries()
        if acknowledged != entries or points != entries.total():
            sys.exit(f"{entries.total()} entries and {points} points of {len(self.done)} writes.")
        return f"{len(self.done)} writes acknowledged: 0 lost, 0 doubled"

    def _entries(self) -> tuple[Counter[str], int]:
        found: Counter[str] = Counter()
        after = None
        while True:
            node = self._sure(ENTRIES, {"id": self.customer, "after": after}, 0)["node"]
            page = node["loyaltyEntries"]
            found.update(each["id"] for each in page["nodes"])
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return found, int(node["loyaltyPoints"])

    def _write(self, client: int) -> None:
        for number in itertools.count():
            if self._ended.is_set():
                return
            said = {"id": self.customer, "key": f"{client} {number}"}
            made = self._sure(GRANT, said, client)
            self.done.append((time.monotonic(), made["adjustPoints"]["entry"]["id"]))

    def _sure(self, document: str, variables: dict[str, Any], first: int) -> Any:
        for number in itertools.count(first):
            server = self._servers[number % len(self._servers)]
            answer = asked(server.port, document, variables)
            if answer is not None and "errors" not in answer:
                return answer["data"]
            if answer is not None:
                self.told[answer["errors"][0]["extensions"]["code"]] += 1
            time.sleep(0.05)
        return None


def main() -> None:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="crmkit-cluster-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if USER:
            shutil.chown(folder, USER)
        primary, standby = Postgres(folder / "primary"), Postgres(folder / "standby")
        primary.make()
        primary.start()
        stack.callback(primary.kill)
        standby.copy_of(primary)
        standby.start()
        stack.callback(standby.kill)
        until(lambda: primary.sql("SELECT sync_state FROM pg_stat_replication") == "sync\n")
        primary.sql("CREATE DATABASE crm")
        bouncer = bouncer_before(primary, folder)
        if bouncer:
            bouncer.start()
            stack.callback(bouncer.kill)
        play(folder, primary, standby, bouncer, stack)


def bouncer_before(primary: Postgres, folder: Path) -> Bouncer | None:
    if "--direct" in sys.argv or POOLER is None:
        print("Without pgbouncer:", "as you said." if POOLER else "there is none here.")
        return None
    for name, value in SAID.items():
        primary.sql(f"ALTER DATABASE crm SET {name} = '{value}'")
    return Bouncer(folder, primary)


def play(
    folder: Path, primary: Postgres, standby: Postgres, bouncer: Bouncer | None, stack: ExitStack
) -> None:
    ports = f"host=127.0.0.1,127.0.0.1&port={primary.port},{standby.port}"
    url = f"postgresql://postgres@/crm?{ports}&target_session_attrs=primary"
    if bouncer:
        url = f"postgresql://postgres@127.0.0.1:{bouncer.port}/crm"
    replica = f"postgresql://postgres@127.0.0.1:{standby.port}/crm"
    environment = {**os.environ, "CRMKIT_DATABASE__URL": url}
    subprocess.run([CRMKIT, "db", "upgrade"], env=environment, cwd=folder, check=True)
    environment["CRMKIT_DATABASE__REPLICA_URL"] = replica
    ours = [Process(each, environment, folder) for each in ("server 1", "server 2")]
    workers = [Process(each, environment, folder) for each in ("worker 1", "worker 2")]
    for each in (*ours, *workers):
        each.start()
        stack.callback(each.kill)
    with Clients(ours) as clients:
        for each in (*ours, *workers, *([bouncer] if bouncer else [])):
            more(clients)
            each.kill()
            each.start()
            more(clients)
            print(f"{each.name} was killed and is back")
        primary.kill()
        killed = time.monotonic()
        standby.promote()
        if bouncer:
            bouncer.lead_to(standby)
        promoted = time.monotonic()
        until(lambda: any(at > promoted for at, _ in clients.done))
        back = next(at for at, _ in clients.done if at > promoted)
        more(clients)
    print(f"the primary was killed; {promoted - killed:.1f} s later the standby was promoted, and")
    print(f"{back - promoted:.1f} s after that a write was acknowledged")
    print(f"meanwhile clients were told: {dict(clients.told)}")
    print(clients.check())


def more(clients: Clients) -> None:
    wanted = len(clients.done) + WRITES
    until(lambda: len(clients.done) >= wanted)


def asked(port: int, document: str, variables: dict[str, Any]) -> dict[str, Any] | None:
    """An answer, or nothing where the server went away."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"query": document, "variables": variables})
    try:
        connection.request("POST", "/graphql", body, {"content-type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer


def run(name: str, *arguments: object, fails: bool = False) -> str:
    """Runs a program to its end; nothing, where it may fail and does."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        user=USER,
        check=False,
    )
    if done.returncode and not fails:
        sys.exit(f"{name} failed: {done.stderr}")
    return "" if done.returncode else done.stdout


def program(name: str) -> str:
    """A program of PostgreSQL, in PATH or where Debian keeps the newest."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in [*map(str, folders), None]:
        if found := shutil.which(name, path=folder):
            return found
    sys.exit(f"There is no {name} here; install postgresql.")


def until(is_so: Any) -> None:
    end = time.monotonic() + 180
    while not is_so():
        if time.monotonic() > end:
            sys.exit("It takes too long; the logs say why.")
        time.sleep(0.05)


def with_patience(work: Any) -> None:
    """Ends a process that may have ended by itself."""
    try:
        work()
    except ProcessLookupError:
        return


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


if __name__ == "__main__":
    main()

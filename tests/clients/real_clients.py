"""Clients of others against `crmkit serve`; `make clients` fetches them and runs this file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCHEMA = HERE.parents[1] / "crmkit/graph/schema.graphql"
PYTHON = f"{HERE}/generated/venv/bin"
STORY = ["walked 1 2 3 4 5", "renamed one", "refused INVALID"]
CRMKIT = str(Path(sys.executable).with_name("crmkit"))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server in development, with all that is bundled."""
    folder = tmp_path_factory.mktemp("served")
    where = {**os.environ, "CRMKIT_DATABASE__URL": f"sqlite:///{folder}/crm.db"}
    subprocess.run([CRMKIT, "db", "upgrade"], cwd=folder, env=where, check=True)
    with subprocess.Popen(
        [CRMKIT, "serve", "--port", "0"], cwd=folder, env=where, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+/graphql", server.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            server.terminate()


def run(program: str, *arguments: str) -> list[str]:
    """Runs a program in this folder and returns the lines that it printed."""
    command = shutil.which(program, path=f"{HERE}/node_modules/.bin:{os.environ['PATH']}")
    assert command is not None, f"there is no {program} here"
    where = {**os.environ, "PYTHONPATH": str(HERE)}
    ran = subprocess.run(
        [command, *arguments], cwd=HERE, env=where, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


@pytest.fixture(scope="module")
def _schema() -> None:
    """What clients are generated of."""
    (HERE / "generated").mkdir(exist_ok=True)
    (HERE / "generated/schema.graphql").write_text(SCHEMA.read_text(encoding="utf-8"))


def test_every_audit_of_graphql_over_http_is_ok(url: str) -> None:
    assert run("node", "audit.mjs", url) == ["61 of 61 ok"]


@pytest.mark.parametrize(
    "client", ["graphql-request", "apollo", "urql", "relay", "refine", "react-admin"]
)
@pytest.mark.usefixtures("_schema")
def test_a_client_of_javascript_walks_normalises_changes_and_is_refused(
    url: str, client: str
) -> None:
    assert run("node", f"{client}.mjs", url, f"Of {client}") == STORY


def test_clients_of_live_answers_hear_what_happens(url: str) -> None:
    heard = run("node", "live.mjs", url, "Of live")
    assert heard == ["graphql-ws heard 1 2 3", "graphql-sse heard 1 2 3"]


@pytest.mark.usefixtures("_schema")
def test_a_client_of_python_does_the_same(url: str) -> None:
    run(f"{PYTHON}/ariadne-codegen", "--config", "ariadne.toml")
    for client in ("gql", "ariadne"):
        assert run(f"{PYTHON}/python", f"with_{client}.py", url, f"Of {client}") == STORY


def test_codegen_makes_types_that_tsc_holds_a_program_to(url: str) -> None:
    run("node", "codegen.mjs", url)
    assert run("tsc", "--project", "codegen") == []

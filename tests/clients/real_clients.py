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


def node(script: str, *arguments: str) -> list[str]:
    """Runs a script of this folder and returns the lines that it printed."""
    command = shutil.which("node")
    assert command is not None, "there is no node here"
    ran = subprocess.run(
        [command, script, *arguments], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


def test_every_audit_of_graphql_over_http_is_ok(url: str) -> None:
    assert node("audit.mjs", url) == ["61 of 61 ok"]

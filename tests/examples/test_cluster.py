"""The cluster of the example is killed piece by piece, in the long run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "cluster" / "cluster.py"
SERVERS = [*Path("/usr/lib/postgresql").glob("*/bin/postgres")]


@pytest.mark.skipif("CRMKIT_SOAK" not in os.environ, reason="only in the long run: make soak")
@pytest.mark.skipif(not SERVERS, reason="PostgreSQL is not installed where Debian keeps it")
def test_nothing_acknowledged_is_lost_whoever_is_killed() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "0 lost, 0 doubled" in done.stdout
    assert "'UNAVAILABLE'" in done.stdout

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from crmkit import app
from crmkit.cli import main
from crmkit.host import loading
from crmkit.host.dispatch import Hooks
from crmkit.testing import schemas
from crmkit.testing.databases import PATIENT, databases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crmkit.graph.schema import Schema
    from crmkit.host.loaded import Loaded
    from crmkit.settings import Settings

    Run = Callable[..., "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _shared_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that open an app of the same plugins share a schema, which no command changes."""
    build = app.begun_schema_of

    def shared(loaded: Loaded, settings: Settings) -> Schema:
        plugins = [type(each.manifest) for each in loaded.plugins]
        found = schemas.known(plugins, settings) or build(loaded, settings)
        schemas.remember(found, plugins, settings)
        return found

    monkeypatch.setattr(app, "begun_schema_of", shared)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands wait for the database, and for hooks, as long as other tests do."""
    monkeypatch.setattr(loading, "Hooks", partial(Hooks, limit=60))
    for name, seconds in PATIENT.items():
        monkeypatch.setenv(f"CRMKIT_DATABASE__{name.upper()}", str(seconds))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr("sys.argv", ["crmkit", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return call


@pytest.fixture
def upgraded(run: Run, engine: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs commands on a database that has been upgraded, on each engine."""
    if engine not in _UPGRADED:
        address = databases().empty(engine)
        monkeypatch.setenv("CRMKIT_DATABASE__URL", address)
        assert run("db", "upgrade").code == 0
        _UPGRADED[engine] = address
    databases().fill(database_url, _UPGRADED[engine])
    monkeypatch.setenv("CRMKIT_DATABASE__URL", database_url)
    return run


_UPGRADED: dict[str, str] = {}
"""A database of each engine that has been upgraded once, to be copied."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = [
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("upgraded"),
]


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[str]:
    """Serves on any port, and tells the two lines that the command says when it does."""
    where = {**os.environ, **environment}
    command = [sys.executable, "-m", "crmkit", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=where, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline() + server.stdout.readline().strip()
        finally:
            server.terminate()


def status(url: str) -> int:
    try:
        with urlopen(url) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_in_development_it_says_where_graphiql_is(tmp_path: Path) -> None:
    with served(tmp_path) as said:
        where = r"http://127\.0\.0\.1:\d+"
        line = rf"Serving at {where}/graphql, and in the browser at ({where}/graphiql); stop with Ctrl\+C\.\nProfile development: introspection, .*"
        found = re.fullmatch(line, said)
        assert found is not None, said
        assert status(found[1]) == 200


def test_in_production_there_is_none_and_none_is_said(tmp_path: Path) -> None:
    with served(tmp_path, CRMKIT_PROFILE="production", CRMKIT_SECRET="x" * 32) as said:
        found = re.fullmatch(
            r"Serving at (http://127\.0\.0\.1:\d+)/graphql; stop with Ctrl\+C\.\n"
            r"Profile production: introspection for whoever has core\.schema\.read, no suggestions, no GraphiQL; .*",
            said,
        )
        assert found is not None, said
        assert status(f"{found[1]}/graphiql") == 404

"""PostgreSQL's own programs: pg_dump writes a database as SQL, psql runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from sqlalchemy import make_url

from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

# Where Debian and Red Hat keep those of each version; what stands in PATH is only one of them.
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


@dataclass(frozen=True)
class Program:
    """One of PostgreSQL's programs, and the version that it is of."""

    path: str
    major: int


def program(name: str, *, least: int, reason: str) -> Program:
    """Finds the oldest of these programs that is new enough.

    Raises:
        SetupError: There is none; the sentence begins with the reason for wanting it.
    """
    found = sorted(_installed(name), key=lambda each: each.major)
    for each in found:
        if each.major >= least:
            return each
    here = f"only {name} {found[-1].major} is" if found else "none is"
    raise SetupError(
        f"{reason}, which takes {name} {least} or newer, and {here} here; install "
        f"postgresql-client-{least}, or put its programs into PATH."
    )


@contextmanager
def dumping(tool: Program, url: str, schema: str, snapshot: str) -> Iterator[IO[bytes]]:
    """Runs pg_dump on a snapshot that a transaction has exported, and hands out its SQL.

    Raises:
        SetupError: It failed; the sentence repeats what it said.
    """
    # Owners and rights are the next server's business.
    said = ["--no-owner", "--no-privileges", f"--schema={schema}", f"--snapshot={snapshot}"]
    with TemporaryFile() as complaints:
        running = subprocess.Popen(  # noqa: S603  the program is PostgreSQL's, the rest is ours
            [tool.path, *said, f"--dbname={_address(url)}"],
            env=_environment(url),
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        assert running.stdout is not None  # noqa: S101  it is a pipe
        try:
            yield running.stdout
        except BaseException:
            running.kill()
            raise
        finally:
            running.stdout.close()
            failed = running.wait()
        if failed:
            raise SetupError(f"pg_dump failed: {_last(complaints)}")


@contextmanager
def running_sql(tool: Program, url: str) -> Iterator[IO[bytes]]:
    """Runs SQL in psql, which stops at the first error; what was not committed is undone.

    Raises:
        SetupError: It stopped; the sentence repeats what it said.
    """
    said = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    with TemporaryFile() as complaints:
        running = subprocess.Popen(  # noqa: S603  the program is PostgreSQL's, the rest is ours
            [tool.path, *said, f"--dbname={_address(url)}"],
            env=_environment(url),
            stdin=subprocess.PIPE,
            stderr=complaints,
        )
        assert running.stdin is not None  # noqa: S101  it is a pipe
        try:
            # If it stops reading, it has said why.
            with suppress(BrokenPipeError):
                yield running.stdin
        except BaseException:
            running.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                running.stdin.close()
            failed = running.wait()
        if failed:
            raise SetupError(f"psql failed: {_last(complaints)}")


def _installed(name: str) -> Iterator[Program]:
    places = [each for folder in _FOLDERS for each in Path("/").glob(f"{folder[1:]}/{name}")]
    for path in [*filter(None, [shutil.which(name)]), *map(str, places)]:
        done = subprocess.run(  # noqa: S603  PostgreSQL's own, by its place
            [path, "--version"], capture_output=True, text=True, check=False
        )
        if number := re.search(r"\) (\d+)", done.stdout):
            yield Program(path, int(number[1]))


def _address(url: str) -> str:
    """The address without its password: everybody on this machine sees a command's words."""
    return _libpq(url).set(password=None).render_as_string(hide_password=False)


def _environment(url: str) -> dict[str, str]:
    password = _libpq(url).password
    return {**os.environ, "PGPASSWORD": password} if password else {**os.environ}


def _libpq(url: str) -> URL:
    return make_url(url).set(drivername="postgresql")


def _last(complaints: IO[bytes]) -> str:
    """The first complaint that is an error; those behind it follow from it."""
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    wrong = [each for each in lines if re.search(r"(?i)\berror:", each)]
    return (wrong or lines or ["it said nothing"])[0]

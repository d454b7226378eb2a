"""What a backup is as a file: a zip of the database, and of what it is known to hold."""

from __future__ import annotations

import os
import zlib
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Protocol
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import orjson
from pydantic import TypeAdapter, ValidationError

from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Tell = Callable[[str, int, int], None]
    """Is told what is being done, how far that is, and of how much."""

FORMAT = 1
_MANIFEST, _CONTENT = "manifest.json", "database"
_CHUNK = 1 << 20
_FAST = 1  # zlib's; a higher one takes three times as long for a tenth less


@dataclass(frozen=True)
class Manifest:
    """What stands in a backup, so that it can be found out whether all of it has come back.

    Attributes:
        engine: Which database it is of, and where alone it can be restored.
        server: Its version.
        tool: The version of the program that wrote it; on SQLite, of the library.
        schema: Where PostgreSQL kept the tables.
        crmkit: The version of crmkit.
        made_at: The moment that it shows.
        lineages: Where each lineage of migrations stood.
        rows: How many each table has.
        sha256: The digest of the database in it.
        format: Which version of this file it is.
    """

    engine: str
    server: int
    tool: int
    schema: str
    crmkit: str
    made_at: str
    lineages: dict[str, str | None]
    rows: dict[str, int]
    sha256: str = ""
    format: int = FORMAT


class Sink(Protocol):
    """Where a database is written to."""

    def write(self, data: bytes, /) -> object: ...


def write(file: Path, fill: Callable[[Sink], Manifest]) -> Manifest:
    """Makes a backup of what `fill` writes, and gives it its name when it is whole.

    Raises:
        SetupError: There is such a file already, or it cannot be written.
    """
    if file.exists():
        raise SetupError(f"There is a {file} already; say another name.")
    part = file.with_name(f"{file.name}.part")
    try:
        # It holds everything that is known of people: nobody else may read it.
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as opened:
            manifest = _written(opened, fill)
            opened.flush()
            os.fsync(opened.fileno())
        part.rename(file)
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error}.") from None
    finally:
        part.unlink(missing_ok=True)
    return manifest


def read(file: Path) -> Manifest:
    """What a backup says of itself.

    Raises:
        SetupError: It is none, or one of a newer crmkit.
    """
    try:
        with ZipFile(file) as opened:
            said = orjson.loads(opened.read(_MANIFEST))
        if said["format"] != FORMAT:
            raise SetupError(f"{file} was made by a newer crmkit, {said.get('crmkit')}.")
        return TypeAdapter(Manifest).validate_python(said)
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror}.") from None
    except (BadZipFile, EOFError, KeyError, TypeError, ValueError, ValidationError):
        raise SetupError(f"{file} is no backup that crmkit has made, or not all of one.") from None


def check(file: Path, tell: Tell) -> None:
    """Compares what is in a backup with the digest that was taken of it.

    Raises:
        SetupError: It has been damaged.
    """
    wanted = read(file).sha256
    digest = sha256()
    try:
        with content(file) as (opened, size):
            for done, chunk in chunks(opened):
                digest.update(chunk)
                tell("Checking the file", done, size)
    except (BadZipFile, EOFError, zlib.error):
        wanted = ""
    if digest.hexdigest() != wanted:
        raise SetupError(f"{file} is damaged: it does not hold what was written into it.")


@contextmanager
def content(file: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The database in a backup, and how many bytes it has."""
    with ZipFile(file) as opened, opened.open(_CONTENT) as database:
        yield database, opened.getinfo(_CONTENT).file_size


def chunks(source: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Reads to the end, and says how much has been read with each piece."""
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        yield done, chunk


def _written(opened: IO[bytes], fill: Callable[[Sink], Manifest]) -> Manifest:
    with ZipFile(opened, "w", ZIP_DEFLATED, compresslevel=_FAST) as made:
        with made.open(_CONTENT, "w", force_zip64=True) as database:
            digested = _Digested(database)
            manifest = fill(digested)
        manifest = replace(manifest, sha256=digested.digest.hexdigest())
        made.writestr(_MANIFEST, orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))
    return manifest


class _Digested:
    """A file to write to, and the digest of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

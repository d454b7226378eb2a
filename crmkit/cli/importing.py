"""`crmkit import`: a file in units of a thousand rows, whatever is broken put aside."""

from __future__ import annotations

import asyncio
import csv
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from crmkit.cli.files import Line, Lines, encoding_of
from crmkit.cli.running import completed, log_to_stderr, opened
from crmkit.host.builders import ImportOptions
from crmkit.settings import load_settings
from crmkit.values.errors import Failure, SetupError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crmkit.host.builders import Import, ImportedRow, ImportResult
    from crmkit.host.context import Context
    from crmkit.host.host import Host

_CHUNK = 1_000
_SHOWN = 100  # lines; showing each would take longer than reading it
_OUT = Console(highlight=False, soft_wrap=True)


def import_file(
    kind: str,
    file: Path,
    source: str,
    currency: str | None,
    encoding: str | None,
    rejects: Path | None,
) -> None:
    """Takes in a file and says what became of its lines."""
    settings = load_settings()
    log_to_stderr(logging.ERROR)
    options = ImportOptions(source, currency or settings.organisation.currency)
    found = encoding or encoding_of(file)
    aside = rejects or Path(f"{file.stem}.rejects.csv")

    async def work() -> Report:
        async with opened(settings) as crm:
            kind_of_file = _known(crm.host, kind)
            lines = Lines(file, kind_of_file.row, found)
            with _shown(lines) as watched, Aside(aside) as broken:
                return await take_in(crm.host, kind_of_file, watched, options, broken)

    began = time.monotonic()
    _say(completed(work()), time.monotonic() - began, aside)
    if found not in ("utf-8", encoding):
        _OUT.print(f"Read as {found}; if the names look wrong, say another --encoding.")


@dataclass
class Report:
    """What became of the lines of a file."""

    created: int = 0
    unchanged: int = 0
    rejected: int = 0

    @property
    def lines(self) -> int:
        return self.created + self.unchanged + self.rejected


class Aside:
    """The file for lines that were not taken in; made when the first one comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def put(self, line: Line, reason: str) -> None:
        """Writes down a line with its number and the reason."""
        if self._writer is None:
            file = self.path.open("w", encoding="utf-8", newline="", errors="replace")
            self._writer = csv.writer(self._files.enter_context(file))
            self._writer.writerow(["line", "reason", "cells"])
        self._writer.writerow([line.number, reason, *line.cells])


async def take_in(
    host: Host,
    kind: Import,
    lines: Iterable[Line],
    options: ImportOptions,
    aside: Aside,
) -> Report:
    """Takes in lines, a thousand in a unit of work."""
    work = _Import(host, kind, options, aside)
    rest, loop = iter(lines), asyncio.get_running_loop()
    chunk = _next(rest)
    # One thread, which lets go of a chunk before it reads another one; several may hold one each.
    with ThreadPoolExecutor(1) as reading:
        while chunk:
            # The database is busy for longer than reading takes; one chunk ahead is enough.
            ahead = loop.run_in_executor(reading, _next, rest)
            try:
                await work.chunk(chunk)
            finally:
                chunk = await ahead
    return work.report


def _next(lines: Iterator[Line]) -> list[Line]:
    return list(islice(lines, _CHUNK))


class _Import:
    """One run over one file."""

    def __init__(self, host: Host, kind: Import, options: ImportOptions, aside: Aside) -> None:
        self.host, self.kind, self.options, self.aside = host, kind, options, aside
        self.report = Report()

    async def chunk(self, lines: Sequence[Line]) -> None:
        numbered = {line.number: line for line in lines}
        rejected = {line.number: line.fault for line in lines if line.row is None}
        rejected |= await self._rows([line.row for line in lines if line.row is not None])
        for number in sorted(rejected):
            self.aside.put(numbered[number], rejected[number])
        self.report.rejected += len(rejected)

    async def _rows(self, rows: Sequence[ImportedRow[Any]]) -> dict[int, str]:
        """Takes in rows; where one spoils it for all, halves of them, down to the culprit."""
        if not rows:
            return {}
        try:
            result = await self._unit(rows)
        except Unavailable:
            raise
        except Failure as failure:
            if len(rows) == 1:
                return {rows[0].line: failure.message}
            middle = len(rows) // 2
            return await self._rows(rows[:middle]) | await self._rows(rows[middle:])
        self.report.created += result.created
        self.report.unchanged += result.unchanged
        return dict(result.rejected)

    async def _unit(self, rows: Sequence[ImportedRow[Any]]) -> ImportResult:
        async def body(context: Context[Any]) -> ImportResult:
            return await self.kind.function(context, rows, self.options)

        result: ImportResult = await self.host.run_unit(
            self.kind.plugin, body, operation=f"import {self.kind.name}"
        )
        return result


def _known(host: Host, kind: str) -> Import:
    found = host.loaded.imports.get(kind)
    if found is None:
        known = ", ".join(sorted(host.loaded.imports)) or "none"
        raise SetupError(f"No plugin takes in {kind}; what can be taken in: {known}.")
    return found


@contextmanager
def _shown(lines: Lines) -> Iterator[Iterator[Line]]:
    """Lets lines through, and shows how much of their file has been read."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=quiet) as bar:
        task = bar.add_task(lines.path.name, total=lines.size)

        def each() -> Iterator[Line]:
            for number, line in enumerate(lines):
                yield line
                if number % _SHOWN == 0:
                    bar.update(task, completed=lines.position)

        yield each()
        bar.update(task, completed=lines.size)


def _say(report: Report, seconds: float, aside: Path) -> None:
    _OUT.print(
        f"{report.created:,} created, {report.unchanged:,} unchanged, {report.rejected:,} rejected "
        f"in {seconds:.1f} s ({report.lines / seconds:,.0f} lines a second)."
    )
    if report.rejected:
        _OUT.print(f"What was rejected, and why: {aside}")

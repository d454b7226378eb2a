"""However long a file is, an import holds no more of it than two chunks.

`CRMKIT_SOAK=1` also takes in a file that makes a million rows, and looks at what that held.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pytest

from crmkit import testing
from crmkit.app import load_plugins
from crmkit.cli.files import Line
from crmkit.cli.importing import Aside, take_in
from crmkit.cli.repeats import Repeats
from crmkit.host import migrations
from crmkit.host.builders import Import, ImportedRow, ImportOptions, ImportResult
from crmkit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOAK = bool(os.environ.get("CRMKIT_SOAK"))
LINES, MOST_MEGABYTES = (
    200_000,
    200,
)  # A line is an order, its line, its points and a third of a customer.

IMPORT = """
import resource, sys
from crmkit.cli import main
sys.argv = ["crmkit", "import", "orders", "orders.csv", "--source", "soak"]
try:
    main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.anyio
async def test_an_import_holds_two_chunks_of_its_file(tmp_path: Path) -> None:
    held: WeakSet[ImportedRow[Any]] = WeakSet()
    most = 0

    def lines() -> Iterator[Line]:
        nonlocal most
        for number in range(7_000):
            row = ImportedRow(number, 1, number)
            held.add(row)
            most = max(most, len(held))
            yield Line(number, [], row)

    async def take(_: Any, rows: Sequence[ImportedRow[int]], __: ImportOptions) -> ImportResult:
        return ImportResult(created=len(rows))

    kind = Import("numbers", "core", Any, take)
    async with testing.crm() as t:
        with Aside(tmp_path / "rejects.csv") as aside:
            options = ImportOptions("tests", "EUR")
            report = await take_in(t.host, kind, lines(), options, aside)
    assert report.created == 7_000
    assert most <= 2_001


def test_what_came_before_is_counted_however_much_there_is() -> None:
    repeats = Repeats()
    things = [hash(str(number)) for number in range(20_000)]
    assert {repeats.count(each) for each in things} == {1}
    assert [repeats.count(each) for each in (things[7], things[7], 0, 0)] == [2, 3, 1, 2]


@pytest.mark.skipif(not SOAK, reason="a million rows take minutes: make soak")
def test_a_million_rows_go_in_with_less_than_200_megabytes(
    database_url: str, tmp_path: Path
) -> None:
    migrations.upgrade(database_url, load_plugins(Settings()))
    invented = random.Random(1)  # noqa: S311  it invents
    with (tmp_path / "orders.csv").open("w") as file:
        print("customer,date,quantity,amount", file=file)
        for _ in range(LINES):
            day = f"{invented.randint(1997, 2020)}-{invented.randint(1, 12):02}-01"
            cents = invented.randint(100, 99_999)
            who = invented.randrange(LINES // 3)
            print(f"{who},{day},1,{cents // 100}.{cents % 100:02}", file=file)
    environment = {**os.environ, "CRMKIT_DATABASE__URL": database_url}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    print(done.stdout)  # noqa: T201  figures for whoever runs it
    assert done.stdout.startswith(f"{LINES:,} created")
    assert int(done.stdout.rpartition("peak ")[2]) < MOST_MEGABYTES

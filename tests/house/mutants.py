"""`make mutants`: small mutations of the rules, each of which a test has to notice.

A mutant is one rule, broken in one line. Each folder of tests lists the rules that it holds
in a `mutants.py`. The house is copied, broken and tested: first by the test that is known to
notice, then by all tests of the folder until one does. A rule whose mutant survives has no
test. What was found is kept in a book, so that a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress

ROOT = Path(__file__).parents[2]
COPIED = ("crmkit", "plugins", "tests", "migrations", "examples", "pyproject.toml", "alembic.ini")
BOOK = ROOT / ".mutants.json"

_DEADLINE = 1800  # seconds; a mutant that makes its tests run on for ever is killed as well
_NOTHING = 5  # what pytest returns where no test is left to run
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_OUT = Console(highlight=False)


class Broken(NamedTuple):
    """What holds, the line that makes it so, and a line that does not."""

    rule: str
    line: str
    instead: str
    killer: str = ""
    """The test that is known to notice, as pytest names it within its folder."""


@dataclass(frozen=True)
class Mutant:
    """A broken rule, the file in which it stands, and the tests that must notice."""

    broken: Broken
    file: str
    tests: Path

    @property
    def rule(self) -> str:
        return self.broken.rule

    def text(self, root: Path) -> str:
        """The whole file with the rule broken.

        Raises:
            ValueError: The line that says the rule is not there, or not once.
        """
        _, line, instead, _ = self.broken
        lines = (root / self.file).read_text(encoding="utf-8").split("\n")
        if lines.count(line) != 1:
            raise ValueError(f"{self.file} has {lines.count(line)} lines {line!r}")
        return "\n".join(instead if each == line else each for each in lines)


def mutants() -> Iterator[Mutant]:
    """All that are listed."""
    for path in sorted(ROOT.glob("tests/**/mutants.py")):
        name = path.relative_to(ROOT).with_suffix("")
        if path != Path(__file__):
            listed: Mapping[str, tuple[Broken, ...]] = import_module(".".join(name.parts)).MUTANTS
            for file, rules in listed.items():
                yield from (Mutant(each, file, name.parent) for each in rules)


@dataclass
class House:
    """A copy of the house in which one rule after the other is broken."""

    root: Path
    _moments: Iterator[int] = field(default_factory=lambda: count(1_000_000_000, 10))

    def build(self) -> None:
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.root / name)

    def killer(self, mutant: Mutant) -> str | None:
        """Breaks the rule, and names the first test that notices; none if it survives."""
        file = self.root / mutant.file
        whole = file.read_text(encoding="utf-8")
        self._write(file, mutant.text(self.root))
        try:
            return self._known(mutant) or self._found(str(mutant.tests))
        finally:
            self._write(file, whole)

    def _write(self, file: Path, text: str) -> None:
        """Never twice at one moment, by which Python knows whether its bytecode is old."""
        file.write_text(text, encoding="utf-8")
        moment = next(self._moments)
        os.utime(file, (moment, moment))

    def _known(self, mutant: Mutant) -> str | None:
        killer = mutant.broken.killer
        return self._failure(f"{mutant.tests}/{killer}") if killer else None

    def _found(self, tests: str) -> str | None:
        """Looks on one engine first: most rules are the same on both."""
        return self._failure(tests, "-k", "not postgresql") or self._failure(tests)

    def _failure(self, *tests: str) -> str | None:
        paths = os.pathsep.join(str(self.root / each) for each in (".", "plugins"))
        command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-rfE", "--tb=no"]
        try:
            done = subprocess.run(
                [*command, "-p", "no:cacheprovider", *tests],
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": paths},
                capture_output=True,
                text=True,
                check=False,
                timeout=_DEADLINE,
            )
        except subprocess.TimeoutExpired:
            return "the deadline"
        if done.returncode in (0, _NOTHING):
            return None
        found = _FAILED.search(done.stdout)
        if found is None:
            raise RuntimeError(f"pytest fails without a test:\n{done.stdout[-2000:]}{done.stderr}")
        return found.group(1)


class Book:
    """Who killed which mutant; a file that has changed since is tried again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def killer(self, mutant: Mutant) -> str | None:
        return self._read().get(self._key(mutant))

    def write(self, mutant: Mutant, killer: str) -> None:
        """Beside what others may have written since, who break other rules."""
        killers = {**self._read(), self._key(mutant): killer}
        self.path.write_text(json.dumps(killers, indent=1, ensure_ascii=False))

    def _read(self) -> dict[str, str]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def _key(self, mutant: Mutant) -> str:
        text = hashlib.sha256(mutant.text(ROOT).encode()).hexdigest()[:12]
        return f"{mutant.file}: {mutant.rule} ({text})"


def main(wanted: str, book: Book) -> int:
    """Tries every mutant whose file or rule contains what is wanted; returns how many survive."""
    chosen = [each for each in mutants() if wanted in each.file or wanted in each.rule]
    survivors: list[Mutant] = []
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        Progress(console=_OUT) as progress,
    ):
        house = House(Path(folder))
        house.build()
        for each in progress.track(chosen, description="Breaking rules …"):
            killer = book.killer(each) or house.killer(each)
            if killer is None:
                survivors.append(each)
            else:
                book.write(each, killer)
            said = killer or "[red]nobody[/] notices"
            progress.print(f"{each.file}: {each.rule}: {said}", soft_wrap=True)
    _OUT.print(f"{len(chosen)} mutants, {len(survivors)} survive")
    for each in survivors:
        _OUT.print(f"[red]{each.file}[/]: {each.rule}", soft_wrap=True)
    return len(survivors)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Breaks rules and says which test notices.")
    parser.add_argument("rule", nargs="?", default="", help="part of a rule or of its file")
    parser.add_argument("--anew", action="store_true", help="forget what earlier runs found")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _asked()
    if asked.anew:
        BOOK.unlink(missing_ok=True)
    raise SystemExit(main(asked.rule, Book(BOOK)))

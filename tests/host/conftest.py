"""Fixtures: plugins that are installed for one test and leave nothing behind."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from crmkit.store.database import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs a distribution with one plugin in the class `Entry` of `<package>.plugin`."""
    tables = set(Base.metadata.tables)
    packages = []
    monkeypatch.syspath_prepend(tmp_path)

    def add(name: str, distribution: str = "acme", **files: str) -> None:
        package = f"{distribution}_{name}"
        said = tmp_path / f"{distribution}-1.0.dist-info"
        said.mkdir(exist_ok=True)
        (said / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        with (said / "entry_points.txt").open("a") as lines:
            lines.write(f"[crmkit.plugins]\n{name} = {package}.plugin:Entry\n")
        (tmp_path / package).mkdir()
        packages.append(package)
        for file, text in {"__init__": "", **files}.items():
            (tmp_path / package / f"{file}.py").write_text(text)
        importlib.invalidate_caches()

    yield add
    for name in [each for each in sys.modules if each.partition(".")[0] in packages]:
        del sys.modules[name]
    for name in set(Base.metadata.tables) - tables:
        Base.metadata.remove(Base.metadata.tables[name])

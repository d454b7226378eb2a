from __future__ import annotations

import gc
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from crmkit.store import pool
from crmkit.store.database import Base

pytest_plugins = ["crmkit.testing.pytest_plugin"]

# Each run tries the same examples, and the long one others; how long one takes is the machine's.
settings.register_profile("usual", settings.get_profile("ci"))
settings.register_profile("long", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("long" if os.environ.get("CRMKIT_SOAK") else "usual")


# They start processes that wait, or ask more than others; whoever begins with them is not
# left alone with one of them while the other process of the run has nothing to do any more.
_LONG = {
    "strangers",
    "processes",
    "test_plugin_life.py",
    "test_subsets.py",
    "test_contracts.py",
    "test_everything.py",
    "test_fields.py",
    "test_demo.py",
    "test_sms.py",
    "test_wheel.py",
    "test_readme.py",
    "test_serve.py",
    "test_company.py",
    "test_rewards.py",
    "test_rules.py",
    "test_statement_counts.py",
    "test_upgrades.py",
    "test_webhooks.py",
    "test_buffer.py",
    "test_generated.py",
    "test_oracle.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts long files first; the order within a file stays."""
    items.sort(key=lambda item: _LONG.isdisjoint(item.path.parts))


def pytest_collection_finish() -> None:
    """Spares the collector what stays: all modules, and all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


@pytest.fixture(autouse=True, scope="session")
def _patient() -> Iterator[None]:
    """A virtual machine may stand still for longer than anybody waits for a connection."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "PATIENCE", 60)
        yield


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command that a test runs in the process sends the log where only that test looks."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs a distribution with one plugin in the class `Entry` of `<package>.plugin`."""
    packages: list[str] = []
    monkeypatch.syspath_prepend(tmp_path)

    def add(name: str, distribution: str = "ajax", **files: str) -> None:
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
    _forget(packages)


@pytest.fixture
def uninstall(tmp_path: Path, install: Callable[..., None]) -> Callable[..., None]:
    """Takes a distribution out again that `install` has brought."""

    def remove(name: str, distribution: str = "ajax") -> None:
        shutil.rmtree(tmp_path / f"{distribution}-1.0.dist-info")
        shutil.rmtree(tmp_path / f"{distribution}_{name}")
        importlib.invalidate_caches()
        _forget([f"{distribution}_{name}"])

    return remove


def _forget(packages: Collection[str]) -> None:
    """As after a restart: the modules of these packages are gone, and so are their tables.

    The tables of others stay, also of those that a command imported meanwhile: their modules
    stay as well, and would never declare them again.
    """
    for name in [each for each in sys.modules if each.partition(".")[0] in packages]:
        del sys.modules[name]
    for table in [*Base.metadata.tables.values()]:
        if table.info["model"].__module__.partition(".")[0] in packages:
            Base.metadata.remove(table)

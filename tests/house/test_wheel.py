from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLED = ("orders", "loyalty", "referrals", "feedback", "tasks", "grading", "webhooks")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked outside the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "installed")
    return folder / "installed"


def ran(installed: Path, folder: Path, *arguments: str) -> str:
    """What Python says in this folder, with the wheel before everything else."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def test_an_installed_crmkit_brings_its_migrations(installed: Path, tmp_path: Path) -> None:
    done = ran(installed, tmp_path, "-m", "crmkit", "db", "upgrade")
    named = {line.split(":")[0] for line in done.splitlines()}
    assert named == {"core", *BUNDLED}


def test_an_installed_crmkit_brings_what_the_demo_needs(installed: Path, tmp_path: Path) -> None:
    asked = "from crmkit.cli import demonstration as d; print(d.examples())"
    examples = Path(ran(installed, tmp_path, "-c", asked).strip())
    assert examples == installed / "crmkit" / "_examples"
    assert (examples / "quickstart.graphql").is_file()
    assert (examples / "data" / "cdnow_orders.csv").is_file()


def test_an_installed_crmkit_brings_graphiql_and_not_what_fetches_it(installed: Path) -> None:
    folder = installed / "crmkit" / "graph" / "graphiql"
    # What was run before has left its bytecode there.
    brought = {path.name for path in folder.iterdir() if path.suffix != ".py"} - {"__pycache__"}
    assert brought == {
        "fetched", "icon.svg", "page.css", "page.html", "page.js",
    }  # fmt: skip
    # Who passes their code on passes their licences on.
    assert {path.name for path in (folder / "fetched").iterdir()} == {
        "LICENSE.graphiql", "LICENSE.react", "graphiql.css", "graphiql.min.js",
        "react-dom.production.min.js", "react.production.min.js",
    }  # fmt: skip


def test_no_wheel_is_built_without_graphiql(tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    ignored = shutil.ignore_patterns(".*", "fetched", "__pycache__", "examples", "tests")
    shutil.copytree(ROOT, copied, ignore=ignored)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=copied, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "The files of GraphiQL are not there; run `make graphiql`." in done.stderr
    assert list(tmp_path.glob("*.whl")) == []


def test_an_installed_crmkit_brings_what_is_made_of_templates(
    installed: Path, tmp_path: Path
) -> None:
    ran(installed, tmp_path, "-m", "crmkit", "new", "app", "acme")
    made = tmp_path / "acme"
    assert (made / "plugins" / "crmkit_acme" / "plugin.py").is_file()
    assert (made / ".gitignore").is_file()

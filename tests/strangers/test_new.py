"""What `crmkit new` makes starts, is well written, and takes nothing from anybody."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crmkit.cli import making
from tests.strangers.environment import ON_SQLITE

if TYPE_CHECKING:
    from tests.strangers.environment import Environment

FIELDS = """{ __type(name: "Customer") { fields { name } }
  __schema { mutationType { fields { name } } } }"""
NAMES = ("acmeNote", "setSurveysNote", "loyaltyPoints")
LONG = "a_name_as_long_as_can_be"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    return folder


def ran(*arguments: str) -> tuple[int, str]:
    """How a command ended that runs in this process, and what it complained about."""
    try:
        making_of(*arguments)
    except making.SetupError as error:
        return 1, str(error)
    return 0, ""


def making_of(kind: str, name: str) -> None:
    {"app": making.new_app, "plugin": making.new_plugin}[kind](name)


def files(folder: Path) -> dict[str, str]:
    return {
        str(each.relative_to(folder)): each.read_text(encoding="utf-8")
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


def test_a_companys_repository_starts_and_passes_its_tests(environment: Environment) -> None:
    environment.run("crmkit", "new", "app", "acme")
    environment.folder /= "acme"
    environment.run("crmkit", "new", "plugin", "surveys")
    environment.install("--editable", ".")
    assert "surveys: nothing → 0001" in environment.run("crmkit", "db", "upgrade")
    assert "Nothing is to be mended." in environment.run("crmkit", "doctor")
    readme = (environment.folder / "README.md").read_text(encoding="utf-8")
    [question] = re.findall(r"```graphql\n(.*?)```", readme, re.DOTALL)
    answer, schema = environment.asked(question, FIELDS)
    assert answer["data"]["createCustomer"]["customer"]["acmeNote"] == "Met at the fair"
    assert set(NAMES) <= {*re.findall(r"\w+", str(schema["data"]))}
    assert "Success" in environment.run("mypy")
    environment.variables["PYTEST_ADDOPTS"] = ON_SQLITE
    assert " passed" in environment.run("pytest", "-q")


@pytest.mark.parametrize("name", ["a", "note", LONG])
def test_what_is_made_is_well_written(folder: Path, name: str) -> None:
    assert len(LONG) == making.LONGEST_NAME
    making.new_app(name)
    (folder / "else").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "else")
        making.new_plugin(name)
    for place in (folder / name, folder / "else" / name):
        written = [str(each) for each in place.rglob("*.py")]
        assert len(written) == 4
        # Named one by one, migrations are looked at too, which the settings leave out.
        ruff(place, "format", "--check", *written)
        ruff(place, "check", *written)
        for path, text in files(place).items():
            left = {*re.findall(r"\$\W*(\w+)", text)}
            assert left <= {"id", "text", "PATH", "PYTHON"}, path
            if path.endswith(".toml"):
                tomllib.loads(text)


def ruff(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_plugin_and_its_test_can_be_read_in_a_minute(folder: Path) -> None:
    making.new_plugin("surveys")
    plugin = files(folder)["surveys/crmkit_surveys/plugin.py"]
    lines = [each for each in plugin.splitlines() if each.strip()]
    # Table, field, mutation and hook; what is blank or a description counts for nothing less.
    assert len(lines) <= 60


def test_a_plugin_in_a_companys_repository_is_installed_with_it_and_enabled(folder: Path) -> None:
    making.new_app("acme")
    repository = folder / "acme"
    before = files(repository)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        making.new_plugin("surveys")
    after = files(repository)
    assert {each for each in before if before[each] != after[each]} == {
        "crmkit.toml",
        "pyproject.toml",
    }
    assert {*after} - {*before} == {
        "plugins/crmkit_surveys/__init__.py",
        "plugins/crmkit_surveys/migrations/versions/0001_the_table_of_surveys.py",
        "plugins/crmkit_surveys/plugin.py",
        "plugins/crmkit_surveys/py.typed",
        "tests/test_surveys.py",
    }
    project = tomllib.loads(after["pyproject.toml"])["project"]
    assert project["entry-points"]["crmkit.plugins"] == {
        "surveys": "crmkit_surveys.plugin:SurveysPlugin",
        "acme": "crmkit_acme.plugin:AcmePlugin",
    }
    enabled = tomllib.loads(after["crmkit.toml"])["plugins"]["enabled"]
    assert enabled[-2:] == ["acme", "surveys"]
    assert "loyalty" in enabled


@pytest.mark.parametrize(
    "said",
    [
        'enabled = ["acme"]',
        "enabled = []",
        "enabled = [\n    'acme',\n]",
        "enabled = [\n    'acme'  # ours\n]",
    ],
)
def test_a_list_of_plugins_is_added_to_however_it_is_written(folder: Path, said: str) -> None:
    making.new_app("acme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "acme")
        Path("crmkit.toml").write_text(f"[plugins]\n{said}\n")
        before = tomllib.loads(Path("crmkit.toml").read_text())["plugins"]["enabled"]
        made = ran("plugin", "surveys")
        after = tomllib.loads(Path("crmkit.toml").read_text())["plugins"]["enabled"]
    if made[0]:
        assert after == before
        assert made[1].startswith("crmkit.toml has no plugins.enabled that surveys")
        assert not (folder / "acme" / "plugins" / "crmkit_surveys").exists()
    else:
        assert after == [*before, "surveys"]


@pytest.mark.parametrize("kind", ["app", "plugin"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Acme", "needs a name of small letters and _"),
        ("acme-crm", "needs a name of small letters and _"),
        ("../acme", "needs a name of small letters and _"),
        ("acme_", "needs a name of small letters and _"),
        ("", "needs a name of small letters and _"),
        (f"{LONG}r", "is too long; say one of at most 24 letters"),
        ("core", "is taken"),
        ("enabled", "is taken"),
        ("rename", "is taken"),
        ("orders", "is taken"),
        ("orders_more", "cannot be told apart by their tables"),
        ("customer", "would own the core's table"),
    ],
)
def test_a_name_that_no_plugin_can_have_is_refused(
    folder: Path, kind: str, name: str, why: str
) -> None:
    code, said = ran(kind, name)
    assert code == 1
    assert why in said
    assert files(folder) == {}


@pytest.mark.parametrize("kind", ["app", "plugin"])
def test_what_is_there_is_not_written_over(folder: Path, kind: str) -> None:
    (folder / "acme").mkdir()
    (folder / "acme" / "mine").write_text("mine")
    assert ran(kind, "acme") == (
        1,
        "There is a acme already; say another name, or go elsewhere.",
    )
    assert files(folder) == {"acme/mine": "mine"}


def test_in_a_repository_nothing_is_written_where_one_file_is_there(folder: Path) -> None:
    making.new_app("acme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "acme")
        Path("tests/test_surveys.py").write_text("mine")
        before = files(Path())
        code, said = ran("plugin", "surveys")
        assert (code, files(Path())) == (1, before)
    assert "tests/test_surveys.py already" in said

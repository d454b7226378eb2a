from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from crmkit.settings import Settings, load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
[database]
url = "sqlite:///file.db"
readers = 2

[plugins]
enabled = ["loyalty"]

[plugins.loyalty]
points_per_unit = 1
label = "Stars"
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crmkit.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert settings.plugins.enabled is None
    assert settings.plugins.section("loyalty") == {}


@pytest.mark.usefixtures("file")
def test_the_file_of_the_directory_is_read() -> None:
    assert load_settings().plugins.enabled == ("loyalty",)


def test_a_variable_wins_over_the_file_and_the_caller_over_both(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMKIT_DATABASE__URL", "sqlite:///variable.db")
    monkeypatch.setenv("CRMKIT_DATABASE__READERS", "3")
    database = load_settings(file, database={"readers": 7}).database
    assert (database.url, database.readers) == ("sqlite:///variable.db", 7)


def test_a_section_of_a_plugin_is_raw_and_takes_variables(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMKIT_PLUGINS__LOYALTY__POINTS_PER_UNIT", "2")
    section = load_settings(file).plugins.section("loyalty")
    assert section == {"points_per_unit": "2", "label": "Stars"}


def test_a_variable_names_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = file.rename(file.with_name("other.toml"))
    monkeypatch.setenv("CRMKIT_CONFIG", str(elsewhere))
    assert load_settings().database.readers == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "colour in .*crmkit.toml"),
        ("[server]\nport = 'x'", "server.port in .*crmkit.toml"),
        ("[organisation]\nzone = 'Mars/Base'", "'Mars/Base' is no time zone"),
        ("[organisation]\ncurrency = 'EURO'", "'EURO' is no ISO 4217 code"),
        ("[organisation]\nlocale = 'xx-YYYYY'", "'xx-YYYYY' is no locale"),
        ("[plugins]\nloyalty = 3", "plugins.loyalty in .*crmkit.toml"),
        ("[server", "crmkit.toml cannot be read"),
    ],
)
def test_a_mistake_in_the_file_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match=message):
        load_settings(file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CRMKIT_SERVER__PORT", "x"),
        ("CRMKIT_DATABSE__URL", "sqlite://"),
        ("CRMKIT_PLUGINS__LOYALTY", "x"),
    ],
)
def test_a_mistake_in_a_variable_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=name):
        load_settings()


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"There is no .*absent\.toml"):
        load_settings(tmp_path / "absent.toml")


def test_production_asks_for_a_secret_of_its_own() -> None:
    with pytest.raises(SetupError, match="CRMKIT_SECRET"):
        load_settings(profile="production")
    assert load_settings(profile="production", secret="own").profile == "production"


def test_the_secret_is_never_printed() -> None:
    assert "whisper" not in repr(load_settings(secret="whisper"))


def test_what_a_plugin_is_told_is_never_printed(file: Path) -> None:
    file.write_text('[plugins.sms]\ntoken = "whisper"\n', encoding="utf-8")
    settings = load_settings(file)
    assert settings.plugins.section("sms") == {"token": "whisper"}
    assert "whisper" not in f"{settings!r} {settings} {settings.plugins}"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().profile = "production"

"""Which plugins are loaded, and in which order."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from crmkit.host.loading import discover, load
from crmkit.host.manifest import NoConfig
from crmkit.settings import Settings, load_settings
from crmkit.store.database import Base
from tests.host.tiny import NUMBERS, Core, plugin, settings

ENTRY = """
from crmkit.host.manifest import Plugin

class Entry(Plugin):
    name = "{name}"
    version = "1.0"
"""


def test_what_is_not_enabled_is_never_imported(install: Callable[..., None]) -> None:
    install("sms", plugin="raise SystemExit('imported')")
    loaded = load(settings(), extra=[Core])
    assert "sms" in [each.name for each in discover()]
    assert "ajax_sms.plugin" not in sys.modules
    assert [each.name for each in loaded.plugins] == ["core"]


def test_without_a_word_all_bundled_plugins_are_loaded_and_nobody_elses(
    install: Callable[..., None],
) -> None:
    # A distribution of this name in front of the installed one takes its place.
    install("sms", distribution="crmkit", plugin=ENTRY.format(name="sms"))
    install("mail", distribution="ajax", plugin=ENTRY.format(name="mail"))
    loaded = load(Settings(), extra=[Core])
    assert [(each.name, each.source) for each in loaded.plugins] == [
        ("core", "tests.host.tiny"),
        ("sms", "crmkit"),
    ]


def test_the_core_is_first_and_everybody_comes_after_those_whom_he_names() -> None:
    ads = plugin("ads", works_with=("mail>=1",))
    sms = plugin("sms", depends_on=("ads",))
    loaded = load(settings(), extra=[sms, ads, plugin("mail"), plugin("zip"), Core])
    assert [each.name for each in loaded.plugins] == ["core", "mail", "ads", "sms", "zip"]


def test_a_plugin_works_without_one_that_it_only_works_with() -> None:
    loaded = load(settings(profile="production"), extra=[Core, plugin("ads", works_with=("mail",))])
    assert [each.name for each in loaded.plugins] == ["core", "ads"]


def test_development_skips_what_depends_on_a_skipped_plugin_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = plugin("mail", version="one")
    loaded = load(settings(), extra=[Core, plugin("ads", depends_on=("mail",)), broken])
    assert [each.name for each in loaded.plugins] == ["core"]
    assert loaded.skipped["ads"] == (
        "The plugin ads depends on mail, which was skipped; mend mail first."
    )
    assert capsys.readouterr().out.count("plugin skipped") == 2


def test_a_section_of_an_installed_plugin_may_stay_while_it_is_disabled(
    install: Callable[..., None],
) -> None:
    install("sms", plugin=ENTRY.format(name="sms"))
    assert load(settings(profile="production", sms={"tries": 1}), extra=[Core]).skipped == {}


def test_an_option_of_the_environment_becomes_what_the_model_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class SmsConfig(NoConfig):
        tries: int = 3

    monkeypatch.setenv("CRMKIT_PLUGINS__SMS__TRIES", "5")
    monkeypatch.setenv("CRMKIT_PLUGINS__ENABLED", "[]")
    loaded = load(load_settings(), extra=[Core, plugin("sms", Config=SmsConfig)])
    assert loaded.config("sms").tries == 5


def test_whoever_is_uninstalled_takes_no_tables_of_others_along(
    install: Callable[..., None], uninstall: Callable[..., None]
) -> None:
    for name in ("apples", "pears"):
        install(name, distribution=name, plugin=_BOX.format(name=name, number=next(NUMBERS)))
        load(settings(name), extra=[Core])
    uninstall("apples", distribution="apples")
    assert {each for each in Base.metadata.tables if each.endswith("_box")} == {"pears_box"}


_BOX = """
from crmkit import sdk

class Box{number}(sdk.Record):
    __tablename__ = "{name}_box"

class Entry(sdk.Plugin):
    name = "{name}"
    version = "1.0"
"""

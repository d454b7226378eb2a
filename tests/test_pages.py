"""Pages about hooks and plugins say what the code declares."""

from __future__ import annotations

import re
import tomllib
from difflib import unified_diff
from pathlib import Path

import pytest
from graphql import parse, validate

from crmkit.app import load_plugins, schema_of
from crmkit.cli import hooks, showing, telling
from crmkit.graph.schema import Schema
from crmkit.host.discovery import discover
from crmkit.host.loaded import Loaded
from crmkit.settings import Settings

ROOT = Path(__file__).parents[1]
BUNDLED = [each.name for each in discover() if each.bundled]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_plugins(Settings())


@pytest.fixture(scope="module")
def schema(loaded: Loaded) -> Schema:
    return schema_of(loaded, Settings())


def changes(committed: str, declared: str) -> str:
    both = (committed.splitlines(), declared.splitlines())
    return "\n".join(unified_diff(*both, "committed", "declared"))


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def page(plugin: str) -> str:
    return (ROOT / "plugins" / f"crmkit_{plugin}" / "README.md").read_text(encoding="utf-8")


def test_every_hook_stands_on_one_page_with_its_signature(loaded: Loaded) -> None:
    committed = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    assert not changes(committed, hooks.page(loaded)), "If this is meant: crmkit plugins hooks"


def test_every_event_stands_on_one_page_with_its_schema(loaded: Loaded) -> None:
    committed = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert not changes(committed, telling.page(loaded)), "If this is meant: crmkit events catalog"


@pytest.mark.parametrize("plugin", BUNDLED)
def test_a_plugins_page_says_what_it_adds(plugin: str, loaded: Loaded, schema: Schema) -> None:
    _, mark, rest = page(plugin).partition(f"<!-- From here on: crmkit plugins show {plugin} -->\n")
    assert mark
    declared = "\n" + showing.page(loaded, schema, plugin)
    assert not changes(rest, declared), f"If this is meant: crmkit plugins show {plugin}"


@pytest.mark.parametrize("plugin", BUNDLED)
def test_the_options_on_a_plugins_page_are_options(plugin: str) -> None:
    for block in blocks(page(plugin), "toml"):
        settings = Settings.model_validate(tomllib.loads(block))
        assert load_plugins(settings)[plugin].config != load_plugins(Settings())[plugin].config


@pytest.mark.parametrize("plugin", BUNDLED)
def test_the_operations_on_a_plugins_page_can_be_asked(plugin: str, schema: Schema) -> None:
    for block in blocks(page(plugin), "graphql"):
        assert validate(schema.core, parse(block)) == []

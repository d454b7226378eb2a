"""What clients depend on stands committed in every room; a change of it is seen."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest

from crmkit.app import contract, load_plugins, schema_of
from crmkit.settings import Settings

ROOT = Path(__file__).parents[1]
CORE = (
    "access",
    "events",
    "jobs",
    "stages",
    "channels",
    "customers",
    "tags",
    "interactions",
    "audit",
    "privacy",
)
BUNDLED = ("orders", "loyalty", "referrals", "feedback", "tasks", "grading", "webhooks")


@pytest.fixture(scope="module")
def parts() -> dict[str, str]:
    settings = Settings()
    return contract(load_plugins(settings), settings)


def place(room: str) -> Path:
    bundled = ROOT / "plugins" / f"crmkit_{room}"
    return (bundled if bundled.is_dir() else ROOT / "crmkit" / room) / "schema.graphql"


@pytest.mark.parametrize("room", [*CORE, *BUNDLED])
def test_the_committed_part_of_the_contract_is_what_the_room_adds(
    room: str, parts: dict[str, str]
) -> None:
    committed = place(room).read_text(encoding="utf-8")
    changes = unified_diff(
        committed.splitlines(), parts[room].splitlines(), "committed", "declared"
    )
    shown = "\n".join(changes)
    assert not shown, f"{shown}\n\nIf this is meant: crmkit schema print --room {room}"


def test_the_committed_schema_is_what_the_bundled_product_serves() -> None:
    settings = Settings()
    declared = schema_of(load_plugins(settings), settings).sdl()
    committed = (ROOT / "crmkit/graph/schema.graphql").read_text(encoding="utf-8")
    changes = unified_diff(committed.splitlines(), declared.splitlines(), "committed", "declared")
    shown = "\n".join(changes)
    assert not shown, (
        f"{shown}\n\nIf this is meant: crmkit schema print > crmkit/graph/schema.graphql"
    )


def test_everything_has_a_description() -> None:
    settings = Settings()
    core = schema_of(load_plugins(settings), settings).core
    silent = []
    for name, kind in core.type_map.items():
        if name.startswith("__"):
            continue
        silent += [] if kind.description else [name]
        for field, each in getattr(kind, "fields", {}).items():
            silent += [] if each.description else [f"{name}.{field}"]
            for argument, one in getattr(each, "args", {}).items():
                silent += [] if one.description else [f"{name}.{field}({argument})"]
        for value, each in getattr(kind, "values", {}).items():
            silent += [] if each.description else [f"{name}.{value}"]
    assert silent == []

"""What a command does, imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from crmkit.values.collecting import without_collecting


def later(module: str) -> Any:
    """A module of this package; settings and schema take a second to import, and the help waits not."""
    with without_collecting():
        return import_module(f"crmkit.cli.{module}")

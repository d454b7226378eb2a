"""`crmkit schema check`: what clients of an older schema would notice."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from graphql import (
    GraphQLError,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
)
from rich.console import Console

from crmkit.app import load_plugins, schema_of
from crmkit.cli.running import log_to_stderr
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from graphql import GraphQLSchema

_OUT = Console(highlight=False, markup=False, soft_wrap=True)


def check_schema(old: Path) -> None:
    """Lists changes since the schema in this file; ends with 1 if one of them breaks clients.

    Raises:
        SetupError: The file holds no schema.
    """
    before = _read(old)
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    after = schema_of(load_plugins(settings), settings).core
    breaking = find_breaking_changes(before, after)
    for each in breaking:
        _OUT.print(f"breaks clients: {each.description}")
    for risky in find_dangerous_changes(before, after):
        _OUT.print(f"may surprise clients: {risky.description}")
    if breaking:
        sys.exit(1)
    _OUT.print(f"Whatever could be asked of {old.name} can be asked of this schema.")


def _read(file: Path) -> GraphQLSchema:
    try:
        return build_schema(file.read_text(encoding="utf-8"))
    except (GraphQLError, TypeError, ValueError) as error:
        raise SetupError(f"{file} holds no schema in GraphQL's language: {error}") from None

"""`crmkit schema explain`: what an operation asks of the database, and what is Python."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from rich.console import Console

from crmkit.app import load_plugins, schema_of
from crmkit.cli.running import log_to_stderr
from crmkit.graph.explaining import explain
from crmkit.settings import load_settings
from crmkit.store.drivers import dialect_of
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.engine.explain import Explanation

_OUT = Console(highlight=False, markup=False, soft_wrap=True)


def explain_operation(document: str, variables: str) -> None:
    """Prints where each field comes from, and the statements.

    Raises:
        SetupError: The variables are no JSON object.
    """
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    loaded = load_plugins(settings)
    dialect = dialect_of(settings.database.url)
    said = explain(
        schema_of(loaded, settings), settings, dialect, document, read_variables(variables)
    )
    for line in _lines(said):
        _OUT.print(line)
    for each in said.statements:
        _OUT.print(f"\nstatement {each.number}, {each.purpose}, on {dialect.name}:")
        _OUT.print("\n".join(f"  {line.rstrip()}" for line in each.sql.splitlines()))


def read_variables(variables: str) -> dict[str, Any]:
    """Variables as they were typed.

    Raises:
        SetupError: They are no JSON object.
    """
    try:
        found = json.loads(variables)
    except ValueError as error:
        raise SetupError(f"The variables are not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise SetupError('The variables must be one JSON object, such as {"first": 3}.')
    return found


def _lines(said: Explanation) -> Iterator[str]:
    keys = ["  " * each.depth + each.key for each in said.fields]
    width = max(map(len, keys), default=0) + 2
    for key, each in zip(keys, said.fields, strict=True):
        yield f"{key:{width}}{each.origin}"

"""Actors who reach the customers of one source, and what belongs to these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import ColumnElement, FromClause, Table, literal

from crmkit.host.actors import Actor, Rights
from crmkit.store.reach import Given, Reach
from tests.oracle.company import tables_of
from tests.oracle.comparing import Trio
from tests.oracle.world import World

Seen = tuple[str, Reach, World]


def seen_of(trio: Trio, source: str) -> Seen:
    """What somebody reaches, as engines are told it and as the oracle sees it."""
    t = trio.company.trials["sqlite"]
    own = World.of(t, tables_of(t), lambda customer: customer["source"] == source)
    reach = Reach(narrow=(_of_source,), values={"source": source})
    return source, reach, trio.runner.run(own)


def who(what: Seen) -> Actor:
    """Somebody who reaches this much."""
    _, reach, _ = what
    return Actor("somebody", "user", rights=Rights(frozenset(), reach))


@contextmanager
def seen(trio: Trio, what: Seen) -> Iterator[None]:
    """Everybody who asks reaches this much."""
    _, _, world = what
    somebody = who(what)
    first, second = trio.company.trials.values()
    with (
        patch.object(first, "actor", somebody),
        patch.object(second, "actor", somebody),
        patch.object(trio.oracle.meaning, "world", world),
    ):
        yield


def _of_source(table: Table, rows: FromClause) -> ColumnElement[bool] | None:
    if table.name != "customer":
        return None
    given: Any = Given("source")
    return rows.c["source"] == literal(given, rows.c["source"].type)

"""Triggers that refuse to change or to take out rows of append-only tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Dialect, ForeignKey, Table

PREFIX = "append_only_"
"""What the names of all these triggers begin with."""

FUNCTION = "append_only"
"""PostgreSQL's function that refuses; its arguments are the columns that never change."""

# What a migration drops is null before and after; what it adds may be filled until it ends.
BODY = """
DECLARE
    before jsonb;
    after jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD);
        after := to_jsonb(NEW);
        IF NOT EXISTS (
            SELECT FROM unnest(TG_ARGV) AS name WHERE before -> name IS DISTINCT FROM after -> name
        ) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'Rows of % never change.', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
"""

MAKE_FUNCTION = (
    f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${BODY}$$"
)


@dataclass(frozen=True)
class Guard:
    """One trigger, and the statement that makes it, as its engine gives it back."""

    name: str
    statement: str


def movable(table: Table) -> set[str]:
    """The columns that may change all the same: a merge moves rows to another customer."""
    return {
        each.name
        for each in table.columns
        if each.info.get("scoped_by") or any(_is_root(key) for key in each.foreign_keys)
    }


def _is_root(key: ForeignKey) -> bool:
    scope = key.column.table.info.get("scope")
    return scope is not None and scope.kind == "root"


def guards(table: Table, dialect: Dialect, columns: Collection[str] | None = None) -> list[Guard]:
    """The triggers that a table wants: none, unless its rows never change.

    Args:
        table: As its model declares it.
        dialect: The SQL that is spoken.
        columns: Those that it has in the database, if not all that it declares.
    """
    if not table.info.get("append_only"):
        return []
    there = set(table.columns.keys()) if columns is None else set(columns)
    quote = dialect.identifier_preparer.quote
    made = _of_postgresql if dialect.name == "postgresql" else _of_sqlite
    fixed = sorted(there - movable(table))
    if dialect.name != "postgresql":
        fixed = [quote(each) for each in fixed]
    return [Guard(*each) for each in made(table.name, quote(table.name), fixed)]


def _of_postgresql(_: str, table: str, fixed: list[str]) -> Iterator[tuple[str, str]]:
    names = ", ".join(f"'{each}'" for each in fixed)
    yield (
        f"{PREFIX}rows",
        f"CREATE TRIGGER {PREFIX}rows BEFORE DELETE OR UPDATE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {FUNCTION}({names})",
    )
    # A row's trigger is not told of TRUNCATE.
    yield (
        f"{PREFIX}whole",
        f"CREATE TRIGGER {PREFIX}whole BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()",
    )


def _of_sqlite(name: str, table: str, fixed: list[str]) -> Iterator[tuple[str, str]]:
    refusal = f"BEGIN SELECT RAISE(ABORT, 'Rows of {name} never change.'); END"
    # `UPDATE OF seq` would not hear of `SET rowid`, which is the same column.
    changed = " OR ".join(f"OLD.{each} IS NOT NEW.{each}" for each in fixed)
    for event, when in (("DELETE", ""), ("UPDATE", f"WHEN {changed} ")):
        trigger = f"{PREFIX}{event.lower()}_{name}"
        yield trigger, f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} {when}{refusal}"

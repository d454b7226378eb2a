"""The write buffer: what a unit says, folded into few statements of the same effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ClauseElement, Table, delete, update
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import visitors

from crmkit.store.append_only import movable
from crmkit.store.changes import Changes, Entry, Shape
from crmkit.store.database import (
    Base,
    Record,
    Versioned,
    attribute,
    freeze,
    maker,
    table_of,
    with_companions,
)
from crmkit.store.groups import Group, Inserts, Key, Meeting, Statement, Upserts, fold
from crmkit.store.rows import Maker

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Delete

    from crmkit.values.errors import Failure

    Attr = InstrumentedAttribute[Any]
    Sides = Mapping[Table, Sequence[type[Base]]]

G = TypeVar("G", bound=Group)


class Write:
    """Takes writes, and has them take effect in the order in which they were said.

    A write joins an earlier group of its kind unless something after that group touches
    its table or a table that it points to.
    """

    def __init__(self, at: datetime, sides: Sides) -> None:
        self._at = at
        self._sides = sides
        self._groups: list[Group] = []
        self._added: dict[Table, dict[str, dict[str, Any]]] = {}
        self._changed: set[str] = set()
        self.then()

    def add(self, *rows: Base) -> None:
        """Adds new rows, which are frozen from now on.

        Rows at the side of others come along with them, empty; one that is said itself, behind
        its own, comes in the place of the empty one.
        """
        if len(rows) == 1:
            self._add(_kind(type(rows[0])), rows)
            return
        for model, alike in groupby(rows, type):
            self._add(_kind(model), alike, rows)

    def change(
        self,
        model: type[Base],
        key: str | tuple[Any, ...],
        *,
        set: Mapping[Attr, Any] | None = None,
        add: Mapping[Attr, int] | None = None,
        at_least: int | None = None,
        expect_version: int | None = None,
        otherwise: Failure | None = None,
        was: Mapping[Attr, Any] | None = None,
    ) -> None:
        """Changes the row of this primary key; it has to be there.

        Args:
            model: The table.
            key: Its primary key; a tuple where that has several columns.
            set: New values.
            add: What to add to its numbers.
            at_least: What the numbers must not fall below.
            expect_version: The version that the caller has seen.
            otherwise: The failure when the row is not there or a number would fall too low.
            was: The values that are replaced, if they are known; the audit tells them.
        """
        table = _changeable(model, set, add)
        taken, added = _named(table, set), _named(table, add)
        with_companions(table, taken)
        keys = key if isinstance(key, tuple) else (key,)
        guarded = at_least is not None or expect_version is not None
        if not guarded and self._fold(table, keys, taken, added):
            return
        shape = _shape(
            tuple(sorted(taken)),
            tuple(sorted(added)),
            at_least,
            at_least is not None and all(number <= 0 for number in added.values()),
            issubclass(model, Versioned),
            expect_version is not None,
        )
        if not (taken or added or shape.versioned):
            raise ValueError(f"This change of {table.name} changes nothing; give set or add.")
        _, group = self._joined(
            (table, shape),
            _pointed(table, tuple(taken)),
            partial(Changes, table, shape, self._at),
            lambda group: group.takes(keys),
        )
        group.put(
            keys,
            Entry(taken, dict(added), expect_version, [(added, otherwise)], _named(table, was)),
        )

    def upsert(
        self,
        model: type[Base],
        rows: Iterable[Base],
        *,
        key: Attr | Sequence[Attr],
        add: Sequence[Attr] = (),
        set: Sequence[Attr] = (),
    ) -> None:
        """Adds rows; where one with this key is there, adds to it or sets it instead."""
        table = _changeable(model, set, add)
        if table in self._sides:
            raise ValueError(f"Rows of {table.name} have side rows: say add or change.")
        keys = (key,) if isinstance(key, InstrumentedAttribute) else tuple(key)
        meeting = _meeting(model, keys, tuple(add), tuple(set))
        for row in rows:
            made = partial(Upserts, table, meeting)
            _, group = self._joined((table, meeting), _pointed(table), made)
            [taken] = _kind(model).taken([row], self._at)
            group.put(taken)

    def update(
        self,
        model: type[Base],
        *,
        where: ColumnElement[bool],
        set: Mapping[Attr, Any] | None = None,
        add: Mapping[Attr, int] | None = None,
        guard: ColumnElement[bool] | None = None,
        expect: int | None = None,
        otherwise: Failure | None = None,
    ) -> None:
        """Changes all rows that fulfil a condition, in a statement of its own.

        Args:
            model: The table.
            where: Which rows are meant.
            set: New values, or expressions for them.
            add: What to add to their numbers.
            guard: What the rows must fulfil besides; `expect` notices the others.
            expect: How many rows there must be.
            otherwise: The failure when there are not as many.
        """
        table = _changeable(model, set, add)
        values = _named(table, set)
        with_companions(table, values)
        values |= {name: table.columns[name] + by for name, by in _named(table, add).items()}
        if issubclass(model, Versioned):
            values |= {"updated_at": self._at, "version": table.columns["version"] + 1}
        conditions = [where] if guard is None else [where, guard]
        statement = update(table).where(*conditions).values(values)
        touches = _tables(table, *conditions, *values.values())
        self._append(Statement(table, statement, touches, expect, otherwise, values=values))

    def delete(
        self,
        model: type[Base],
        *,
        where: ColumnElement[bool],
        expect: int | None = None,
        otherwise: Failure | None = None,
        in_use: Failure | None = None,
    ) -> None:
        """Deletes all rows that fulfil a condition.

        Args:
            model: The table.
            where: Which rows are meant.
            expect: How many rows there must be.
            otherwise: The failure when there are not as many.
            in_use: The failure when other rows still point to them.
        """
        table = table_of(model)
        if model.__append_only__:
            raise _never(table)
        touches = _falling(table) | _tables(table, where)
        statement = delete(table).where(where)
        made = partial(Statement, table, statement, touches, expect, otherwise, in_use)
        # Whoever counts what is deleted has said something else each time.
        kind = _text(statement) if expect is None and in_use is None else object()
        self._joined(kind, touches, made)

    @property
    def added(self) -> dict[str, Mapping[str, Any]]:
        """The records that were added, by their ids, and as far as that is certain their values."""
        found: dict[str, Mapping[str, Any]] = {}
        for table, rows in self._added.items():
            is_certain = table.name not in self._changed
            found |= rows if is_certain else {id_: {"id": id_} for id_ in rows}
        return found

    def then(self) -> None:
        """Has whatever comes now see the effect of all that was said before."""
        self._latest: dict[Hashable, tuple[int, Any]] = {}
        self._touched: dict[str, int] = {}
        self._rows: dict[Table, dict[Key, tuple[int, dict[str, Any]]]] = {}
        self._fresh: dict[Table, list[tuple[int, list[dict[str, Any]]]]] = {}

    def touches(self, model: type[Base]) -> bool:
        """Says whether anything waits that concerns rows of this table."""
        return any(model.__tablename__ in each.touches for each in self._groups)

    def __bool__(self) -> bool:
        """Says whether anything waits to be written."""
        return bool(self._groups)

    def taken(self) -> list[Group]:
        """Hands over the groups to be written and starts afresh."""
        groups, self._groups = self._groups, []
        self.then()
        return groups

    def _add(self, kind: _Kind, rows: Iterable[Base], said: Sequence[Base] = ()) -> None:
        """Adds rows of one model, and what stands at their side and is not said itself."""
        table = kind.table
        made = kind.taken(rows, self._at)
        place, group = self._joined(table, kind.pointed, kind.inserts)
        group.rows += made
        self._fresh.setdefault(table, []).append((place, made))
        if kind.is_record:
            self._added.setdefault(table, {}).update({each["id"]: each for each in made})
        for side in self._sides.get(table, ()):
            [key, *_], [own, *_] = _kind(side).key, kind.key
            known = {getattr(each, key) for each in said if type(each) is side}
            if unsaid := [each[own] for each in made if each[own] not in known]:
                self._add(_kind(side), [side(**{key: each}) for each in unsaid])

    def _fold(self, table: Table, key: Key, taken: dict[str, Any], added: dict[str, int]) -> bool:
        """Changes the buffered row itself, if nothing in between could tell."""
        place, row = self._known(table).get(key, (0, None))
        if row is None or not self._is_free(_pointed(table, tuple(taken)), place):
            return False
        if _is_versioned(table):
            added = {**added, "version": 1}
        fold(row, taken, added)
        return True

    def _known(self, table: Table) -> dict[Key, tuple[int, dict[str, Any]]]:
        """The new rows of a table by their keys, and where they wait; few are asked for any."""
        known = self._rows.setdefault(table, {})
        for place, rows in self._fresh.pop(table, ()):
            names = _kind(table.info["model"]).key
            known.update({tuple([row[name] for name in names]): (place, row) for row in rows})
        return known

    def _joined(
        self,
        kind: Hashable,
        tables: frozenset[str],
        made: Callable[[], G],
        takes: Callable[[G], bool] | None = None,
    ) -> tuple[int, G]:
        """The group of this kind that a write of these tables may join, or a new one."""
        if (latest := self._latest.get(kind)) is not None:
            place, group = latest
            if (takes is None or takes(group)) and self._is_free(tables, place):
                return latest
        new = made()
        self._append(new)
        self._latest[kind] = found = (len(self._groups) - 1, new)
        return found

    def _append(self, group: Group) -> None:
        self._groups.append(group)
        if not isinstance(group, Inserts):
            self._changed |= group.touches
        for each in group.touches:
            self._touched[each] = len(self._groups) - 1

    def _is_free(self, tables: frozenset[str], place: int) -> bool:
        return all(self._touched.get(each, -1) <= place for each in tables)


@dataclass(frozen=True, eq=False)
class _Kind:
    """What the buffer wants to know of a model for each of its rows."""

    table: Table
    maker: Maker
    key: tuple[str, ...]
    pointed: frozenset[str]
    inserts: Callable[[], Inserts]
    is_record: bool
    is_versioned: bool
    folds: bool

    def taken(self, rows: Iterable[Base], at: datetime) -> list[dict[str, Any]]:
        """The values of rows by their columns, and what only now is known of them."""
        found = []
        for row in rows:
            made = self.maker.values(row.__dict__)
            if self.is_record:
                made["created_at"] = at
            if self.is_versioned:
                made["updated_at"], made["version"] = at, 1
            freeze(row)
            found.append(with_companions(self.table, made) if self.folds else made)
        return found


@cache
def _kind(model: type[Base]) -> _Kind:
    table = table_of(model)
    return _Kind(
        table,
        maker(model),
        tuple(each.name for each in table.primary_key.columns),
        _pointed(table),
        partial(Inserts, table, frozenset([table.name])),
        issubclass(model, Record),
        issubclass(model, Versioned),
        bool(table.info["folded"]),
    )


def _changeable(model: type[Base], *changes: Iterable[Attr] | None) -> Table:
    """Its table, unless its rows never change and this is no merge that moves them."""
    table = table_of(model)
    if model.__append_only__:
        names = {attribute(each)[1].name for change in changes for each in change or ()}
        if not names <= movable(table):
            raise _never(table)
    return table


def _never(table: Table) -> TypeError:
    return TypeError(f"Rows of {table.name} never change; add another one instead.")


def _named(table: Table, values: Mapping[Attr, Any] | None) -> dict[str, Any]:
    """The same values by the names of their columns."""
    if not values:
        return {}
    found = {}
    for each, value in values.items():
        owner, column = attribute(each)
        if owner is not table:
            raise ValueError(f"{each} is no column of {table.name}.")
        found[column.name] = value
    return found


@lru_cache(1_000)
def _shape(*told: Any) -> Shape:
    """The one shape of what is told: none is made for each row, and they are told apart at a look."""
    return Shape(*told)


@cache
def _meeting(
    model: type[Base], key: tuple[Attr, ...], add: tuple[Attr, ...], set: tuple[Attr, ...]
) -> Meeting:
    table = table_of(model)
    added, taken = list(_named(table, dict.fromkeys(add))), _named(table, dict.fromkeys(set))
    with_companions(table, taken)
    if _is_versioned(table) and (added or taken):
        added.append("version")
        taken["updated_at"] = None
    return Meeting(tuple(_named(table, dict.fromkeys(key))), tuple(added), tuple(taken))


def _is_versioned(table: Table) -> bool:
    return issubclass(table.info["model"], Versioned)


@cache
def _pointed(table: Table, names: tuple[str, ...] | None = None) -> frozenset[str]:
    """The table and those that its rows, or these columns of them, point to.

    That is what a write of them must not overtake.
    """
    columns = table.columns if names is None else [table.columns[each] for each in names]
    keys = (key for column in columns for key in column.foreign_keys)
    return frozenset([table.name, *(key.column.table.name for key in keys)])


def _falling(table: Table) -> frozenset[str]:
    """The table and those whose rows its foreign keys delete or change with its own."""
    found = {table.name}
    waiting = [table]
    while waiting:
        parent = waiting.pop()
        for each in table.metadata.tables.values():
            if each.name not in found and any(
                key.ondelete and key.column.table is parent for key in each.foreign_keys
            ):
                found.add(each.name)
                waiting.append(each)
    return frozenset(found)


def _tables(table: Table, *parts: Any) -> frozenset[str]:
    """The names of all tables that these conditions and values read."""
    found = {table.name}
    for part in parts:
        for each in visitors.iterate(part) if isinstance(part, ClauseElement) else ():
            owner = each if isinstance(each, Table) else getattr(each, "table", None)
            found.add(getattr(owner, "name", table.name))
    return frozenset(found)


def _text(statement: Delete) -> tuple[str, str]:
    """What tells this statement from others: ORM attributes cannot be compared."""
    made = statement.compile()
    return str(made), repr(made.params)

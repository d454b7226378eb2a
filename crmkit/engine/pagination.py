"""Keyset pages: the order, the sealed cursor, the comparison."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Alias, Column, ColumnElement, and_, false, literal, or_, tuple_
from strawberry.types.base import StrawberryOptional

from crmkit.engine import fields as f
from crmkit.engine.late import fixed, mapped
from crmkit.store.column_types import Choice, Code, Scaled, UtcDateTime, instant
from crmkit.store.database import companions
from crmkit.store.statements import Unreadable
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy.types import TypeEngine

    from crmkit.engine.entity import Entity
    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry

PAGE = 25
MOST = 1000
_SEAL = 12


@dataclass(frozen=True, eq=False)
class Key:
    """One key of an order."""

    element: ColumnElement[Any]
    descending: bool
    nullable: bool
    name: str


@dataclass(frozen=True)
class Page:
    """What a client asks of a connection."""

    size: int
    backwards: bool
    after: Any
    before: Any


def page_of(arguments: Mapping[str, Any]) -> Page:
    """Reads `first`, `last`, `after` and `before`.

    Raises:
        Invalid: Both directions at once, or a size out of bounds.
    """
    first, last = fixed(arguments.get("first")), fixed(arguments.get("last"))
    if first is not None and last is not None:
        raise Invalid("Ask for `first` or for `last`, not for both.", field="last")
    name, size = ("first", first) if last is None else ("last", last)
    size = PAGE if size is None else size
    if not 0 <= size <= MOST:
        raise Invalid(f"A page holds 0 to {MOST} records, not {size}.", field=name)
    return Page(size, last is not None, arguments.get("after"), arguments.get("before"))


def keys_of(
    registry: Registry,
    spec: NodeSpec,
    entity: Entity,
    declared: Sequence[Any],
    chosen: Sequence[tuple[str, str]],
    hidden: Mapping[str, Collection[str]],
) -> list[Key]:
    """The order of a list: what the client chose, else what was declared; then the id.

    What is declared and hidden from the actor orders nothing: the order would tell it.
    """
    keys: list[Key] = []
    if chosen:
        for name, way in chosen:
            keys.append(_chosen(registry, entity, registry.field(spec.cls, name), way == "DESC"))
    else:
        standing = (_declared(entity, given) for given in declared)
        keys.extend(each for each in standing if not _is_hidden(each, hidden))
    names = [key.name for key in keys]
    if "id" in names:
        return keys[: names.index("id") + 1]
    return [*keys, Key(entity.id, bool(keys) and keys[-1].descending, False, "id")]


def _is_hidden(key: Key, hidden: Mapping[str, Collection[str]]) -> bool:
    rows: Any = getattr(key.element, "table", None)
    return rows is not None and key.element.name in hidden.get(rows.element.name, ())


def ordering(keys: Sequence[Key], backwards: bool) -> list[ColumnElement[Any]]:
    """ORDER BY, with null as the largest value on both engines."""
    made = []
    for key in keys:
        down = key.descending != backwards
        element: ColumnElement[Any] = key.element.desc() if down else key.element.asc()
        if key.nullable:
            element = element.nulls_first() if down else element.nulls_last()
        made.append(element)
    return made


def beyond(keys: Sequence[Key], values: Sequence[Any], backwards: bool) -> ColumnElement[bool]:
    """What stands after (or before) the record with these key values."""
    # Bound by the column's type: by the value's own, SQLite would compare other text.
    bound = [literal(v, _stored(k)) for v, k in zip(values, keys, strict=True)]
    directions = {key.descending for key in keys}
    if len(directions) == 1 and not any(key.nullable for key in keys):
        left, right = tuple_(*(key.element for key in keys)), tuple_(*bound)
        return left < right if directions.pop() != backwards else left > right
    choices = []
    for index, key in enumerate(keys):
        same = [
            k.element.is_(None) if v is None else k.element == b
            for k, v, b in zip(keys[:index], values, bound, strict=False)
        ]
        choices.append(and_(*same, _further(key, values[index], bound[index], backwards)))
    return or_(*choices)


class Cursors:
    """Seals cursors, so that only what this list gave out comes back to it."""

    def __init__(self, secret: str) -> None:
        self.secret = hashlib.sha256(b"cursor:" + secret.encode()).digest()

    def seal(self, keys: Sequence[Key], values: Sequence[Any]) -> str:
        return self.sealer(keys)([plain(value) for value in values])

    def sealer(self, keys: Sequence[Key]) -> Callable[[Sequence[Any]], str]:
        """Seals plain values of these keys."""
        begun = self._begun(keys)

        def seal(values: Sequence[Any]) -> str:
            body = orjson.dumps(values)
            return urlsafe_b64encode(_sealed(begun, body) + body).decode().rstrip("=")

        return seal

    def opener(self, keys: Sequence[Key], argument: str) -> Callable[[str], list[Any]]:
        """Reads the key values in a cursor.

        It raises Invalid where the cursor was not given out by this list in this order.
        """
        begun = self._begun(keys)
        readers = [_reader(key.element.type) for key in keys]

        def open_(cursor: str) -> list[Any]:
            try:
                raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            except ValueError:
                raw = b""
            seal, body = raw[:_SEAL], raw[_SEAL:]
            if not hmac.compare_digest(seal, _sealed(begun, body)):
                raise Invalid(
                    "This cursor was not given out by this list in this order.", field=argument
                )
            return [
                read(value) if read and value is not None else value
                for value, read in zip(orjson.loads(body), readers, strict=True)
            ]

        return open_

    def opened(self, keys: Sequence[Key], cursor: Any, argument: str) -> list[Any]:
        """The same of a cursor that may be late: only which values are null is fixed."""
        values = mapped(cursor, self.opener(keys, argument))
        nulls = fixed(values, lambda found: [each is None for each in found])
        return [
            None if null else mapped(values, itemgetter(index)) for index, null in enumerate(nulls)
        ]

    def _begun(self, keys: Sequence[Key]) -> hashlib.blake2b:
        return hashlib.blake2b(_of(keys), key=self.secret, digest_size=_SEAL)


def _sealed(begun: hashlib.blake2b, body: bytes) -> bytes:
    """The seal of a cursor of the list that has been named: BLAKE2 is a fourth of HMAC's cost."""
    whole = begun.copy()
    whole.update(body)
    return whole.digest()


def _of(keys: Sequence[Key]) -> bytes:
    """Names the list and its order, to which a cursor belongs."""
    table = getattr(keys[-1].element, "table", None)
    order = ",".join(f"{key.name}{'-' if key.descending else '+'}" for key in keys)
    of = getattr(getattr(table, "element", None), "name", "")
    return f"{of}:{order}:".encode()


def _chosen(registry: Registry, entity: Entity, field: f.Declared, down: bool) -> Key:
    name = registry.name(field)
    if isinstance(field.source, f.Expression):
        return Key(registry.element(field, entity), down, True, name)
    column = f.own_column(field)
    rows = entity.side(column.table) if isinstance(field.source, f.FromSide) else entity.table
    # A row beside may be missing, and then so are its columns that are never empty.
    nullable = column.nullable or isinstance(field.type, StrawberryOptional)
    return Key(_sorted_by(rows, column), down, bool(nullable), name)


def _sorted_by(rows: Alias, column: Column[Any]) -> ColumnElement[Any]:
    """Text sorts by the key beside it, everything else by itself."""
    names = companions(column)
    return rows.c[names[1] if names else column.name]


def _declared(entity: Entity, given: Any) -> Key:
    down = getattr(given, "modifier", None) is not None and given.modifier.__name__ == "desc_op"
    named = given.element if down else given
    column = entity.table.element.c[named.key]
    return Key(_sorted_by(entity.table, column), down, bool(column.nullable), column.name)


def _further(
    key: Key, value: Any, bound: ColumnElement[Any], backwards: bool
) -> ColumnElement[bool]:
    down = key.descending != backwards
    if value is None:
        return key.element.is_not(None) if down else false()
    if down:
        return key.element < bound
    further: ColumnElement[bool] = key.element > bound
    return or_(further, key.element.is_(None)) if key.nullable else further


def plain(value: Any) -> Any:
    """What a cursor holds: what the column means, in a form that JSON has."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.value if isinstance(value, Enum | Unreadable) else value


def _stored(key: Key) -> TypeEngine[Any]:
    """The type of a key in a cursor, which has of a choice what is stored."""
    kind = key.element.type
    return Code() if isinstance(kind, Choice) else kind


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes of a value in a cursor one of this type, unless it is one."""
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat
    if isinstance(kind, Scaled):
        return Decimal
    return date.fromisoformat if kind.python_type is date else None

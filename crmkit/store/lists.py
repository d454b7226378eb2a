"""Lists behind IN travel as one value, so that a statement's text does not tell their length.

Otherwise each length would be another statement, to be compiled here and planned there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BindParameter, LargeBinary
from sqlalchemy.sql.compiler import OPERATORS, SQLCompiler
from sqlalchemy.types import TupleType, TypeEngine, UserDefinedType

from crmkit.store.column_types import array_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Dialect


class ListOf(UserDefinedType[Any]):
    """Any number of values of a type: an array on PostgreSQL, a text of JSON on SQLite."""

    cache_ok = True

    def __init__(self, element: TypeEngine[Any]) -> None:
        self.element = element

    def get_col_spec(self, **_: Any) -> str:
        return f"{array_type(self.element)}[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        make = self.element._cached_bind_processor(dialect)
        finish = list if dialect.name == "postgresql" else _json
        if make is None:
            return finish
        return lambda values: finish([make(each) for each in values])


class Listing(SQLCompiler):
    """Writes `= ANY` and a SELECT where SQLAlchemy would write a place for each value."""

    def visit_in_op_binary(self, binary: Any, operator: Any, **given: Any) -> str:
        if not _is_list(binary.right, self.dialect):
            opening: str = OPERATORS[operator]
            return self._generate_generic_binary(binary, opening, **given)
        return self._listed(binary, "= ANY", "IN", **given)

    def visit_not_in_op_binary(self, binary: Any, operator: Any, **given: Any) -> str:
        if not _is_list(binary.right, self.dialect):
            written: str = super().visit_not_in_op_binary(binary, operator, **given)  # type: ignore[no-untyped-call]
            return written
        return self._listed(binary, "<> ALL", "NOT IN", **given)

    def _listed(self, binary: Any, native: str, portable: str, **given: Any) -> str:
        whole = binary.right._clone(maintain_key=True)
        whole.expanding, whole.type = False, ListOf(whole.type)
        left = self.process(binary.left, **given)
        place = self.process(whole, **given)
        if self.dialect.name != "postgresql":
            return f"({left} {portable} (SELECT value FROM json_each({place})))"  # noqa: S608  places
        kind = whole.type.get_col_spec()
        # Behind a SELECT its length is unknown to PostgreSQL, which plans the statement once.
        return f"({left} {native} ((SELECT {place}::{kind})::{kind}))"


def _is_list(right: Any, dialect: Dialect) -> bool:
    """Whether it is a list of values that can travel as one."""
    if not (isinstance(right, BindParameter) and right.expanding) or right.literal_execute:
        return False
    kind = right.type
    if isinstance(kind, TupleType) or kind._isnull:
        return False
    return dialect.name == "postgresql" or not isinstance(kind, LargeBinary)


def _json(values: Iterable[Any]) -> str:
    # No column holds a text with a NUL, and SQLite would compare what stands before it.
    kept = [each for each in values if not (type(each) is str and "\0" in each)]
    return orjson.dumps(kept).decode()

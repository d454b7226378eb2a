"""Statements that are built once, for any number of runs with other values.

SQLAlchemy takes longer to build a statement than a database to answer it. So the function
that builds one is called with what only stands for its arguments, and only for the first of
those that are alike; later calls bring their values to the statement that it made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, TypeAlias

from sqlalchemy import BigInteger, Executable, SelectBase, literal
from sqlalchemy.sql import visitors
from sqlalchemy.util import LRUCache
from typing_extensions import TypeVarTuple

from crmkit.store.reach import Deferred, Reach
from crmkit.store.statements import Spread, Template, template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Dialect
    from sqlalchemy.sql.selectable import TypedReturnsRows

P = ParamSpec("P")
Row = TypeVarTuple("Row")

_MOST = 100  # statements kept of a function, and texts of a statement
_VALUES = (str, int, date, Decimal, bytes)


class _One(Deferred):
    """Stands for an argument."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __int__(self) -> NoReturn:
        # SQLAlchemy asks, of what stands in LIMIT and OFFSET.
        raise TypeError(
            "A statement that is built once does not know its numbers: "
            "write .limit(sdk.number(limit)) instead of .limit(limit)."
        )


class _Many(_One, Spread):
    """Stands for the members of an argument that is a list."""


class Built:
    """A statement in which arguments are left open."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._templates: LRUCache[Hashable, Template] = LRUCache(_MOST)

    def template(self, dialect: Dialect, reach: Reach) -> Template:
        """The statement as this reach sees it."""
        key = dialect, reach.shape
        known = self._templates.get(key)
        if known is None:
            known = self._templates[key] = template(self.statement, dialect, reach)
        return known

    @cached_property
    def elements(self) -> Sequence[Any]:
        return [*visitors.iterate(self.statement)]

    @cached_property
    def only_looks(self) -> bool:
        return isinstance(self.statement, SelectBase) and _locks_nothing(self.elements)


@dataclass(frozen=True, eq=False, slots=True)
class Ready(Generic[*Row]):
    """A statement that was built before, and the values of this run."""

    built: Built
    values: Sequence[Any]

    def told(self, deferred: Deferred, reach: Reach) -> Any:
        """The value that this run has where the statement leaves one open."""
        return self.values[deferred.index] if isinstance(deferred, _One) else reach.told(deferred)


Question: TypeAlias = Executable | Ready[*tuple[Any, ...]]
"""A statement that reads, built now or before."""


def statement(function: Callable[P, TypedReturnsRows[*Row]]) -> Callable[P, Ready[*Row]]:
    """Has a function build its statement once, and not for each run.

    It may put its arguments into the statement, lists behind IN and numbers behind LIMIT as
    `number(limit)`, but not look at them; but for None, booleans, enums and models, which are told
    as they are and make another statement.
    """
    built: LRUCache[Hashable, Built] = LRUCache(_MOST)

    def ready(*args: P.args, **kwargs: P.kwargs) -> Ready[*Row]:
        given = (*args, *kwargs.values())
        shape = (*[_shape(each) for each in given], len(args), *kwargs)
        known = built.get(shape)
        if known is None:
            known = built[shape] = Built(_call(function, args, kwargs))
        return Ready(known, given)

    return update_wrapper(ready, function)


def number(value: int) -> ColumnElement[int]:
    """A whole number where SQLAlchemy would look at it, as in LIMIT, so that it can be left open."""
    return literal(value, BigInteger())


def prepared(
    question: Question, dialect: Dialect, reach: Reach
) -> tuple[Template, tuple[Any, ...]]:
    """What goes to the driver, as this reach sees it."""
    if not isinstance(question, Ready):
        made = template(question, dialect, reach)
        return made, made.arguments(reach.told)
    made = question.built.template(dialect, reach)
    return made, made.arguments(lambda deferred: question.told(deferred, reach))


def elements_of(question: Question) -> Iterable[Any]:
    """All that a statement is made of."""
    if isinstance(question, Ready):
        return question.built.elements
    return visitors.iterate(question)  # type: ignore[arg-type]


def only_looks(question: Question) -> bool:
    """Whether it locks nothing; then no transaction would make it see anything else."""
    if isinstance(question, Ready):
        return question.built.only_looks
    return isinstance(question, SelectBase) and _locks_nothing(elements_of(question))


def _locks_nothing(elements: Iterable[Any]) -> bool:
    return all(getattr(each, "_for_update_arg", None) is None for each in elements)


def _call(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    places = [_place(index, each) for index, each in enumerate((*args, *kwargs.values()))]
    named = zip(kwargs, places[len(args) :], strict=True)
    return function(*places[: len(args)], **dict(named))


def _shape(value: Any) -> Hashable:
    """All that a function sees of an argument."""
    if isinstance(value, bool | Enum):
        return type(value), value
    if isinstance(value, _VALUES):
        return _One
    return _Many if _is_list(value) else value


def _place(index: int, value: Any) -> Any:
    shape = _shape(value)
    if shape is _One:
        return _One(index)
    return [_Many(index)] if shape is _Many else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, type)

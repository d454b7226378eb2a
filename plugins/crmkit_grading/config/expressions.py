"""Expressions in CEL: bounded before they are compiled, compiled once, tried before they count."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cel import Program

LONGEST = 500
"""Characters of a source."""
DEEPEST = 2
"""Comprehensions within each other: CEL itself bounds neither their depth nor their cost."""

_FUNCTIONS = frozenset(
    [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "int",
        "uint",
        "double",
        "string",
        "bool",
        "type",
        "timestamp",
        "duration",
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
        "min",
        "max",
    ]
)
_TEXT = re.compile(
    r"[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')|//[^\n]*",
    re.DOTALL,
)
_OPENING = re.compile(r"\.\s*(all|exists|exists_one|existsOne|filter|map)\s*\(|[(\[{]|[)\]}]")
_FIELD = re.compile(r"\b(customer|event)\s*\.\s*(\w+)")
# What an expression cannot answer: a value that is null or missing, or out of all bounds.
_UNANSWERED = (
    TypeError, KeyError, ValueError, ZeroDivisionError, OverflowError, RuntimeError,
)  # fmt: skip

Records = dict[str, dict[str, Any]]


class Expression:
    """A question about a customer, or about an event of one, that is answered yes or no."""

    def __init__(self, source: str, known: Mapping[str, Mapping[str, Any]]) -> None:
        """Compiles a source.

        Args:
            source: The expression.
            known: Specimens of the records that it may name.

        Raises:
            ValueError: It is too long or too deep, is no CEL, or asks for what is not there.
        """
        _check_size(source)
        try:
            # Importing it takes half a second, which only companies with an expression pay.
            self._program: Program = import_module("cel").compile(source)
        except ValueError as error:
            raise ValueError(f"its expression is no CEL: {str(error).splitlines()[0]}") from None
        self._names = [name for name in known if name in self._program.variables()]
        _check_names(source, self._program, known)
        self._try(known)

    def holds(self, records: Mapping[str, Mapping[str, Any]]) -> bool:
        """Says whether it is true of these; what cannot be answered is not true.

        Like filters, rules know yes and no alone: null is not greater than anything, and a
        field that an event does not have equals nothing.
        """
        try:
            return self._program.execute(self._given(records)) is True
        except _UNANSWERED:
            return False

    def _given(self, records: Mapping[str, Mapping[str, Any]]) -> Records:
        return {
            name: {key: _plain(value) for key, value in records[name].items()}
            for name in self._names
        }

    def _try(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        try:
            answer = self._program.execute(self._given(known))
        except _UNANSWERED as error:
            raise ValueError(f"its expression cannot be answered: {error}") from None
        if not isinstance(answer, bool):
            raise ValueError(f"its expression says {answer!r}; let it say yes or no, as with ==")


def _check_size(source: str) -> None:
    if len(source) > LONGEST:
        raise ValueError(f"its expression has {len(source)} characters; write at most {LONGEST}")
    if (depth := max(_depths(_TEXT.sub("''", source)), default=0)) > DEEPEST:
        raise ValueError(
            f"its expression has {depth} comprehensions within each other; write at most {DEEPEST}"
        )


def _depths(source: str) -> Iterator[int]:
    """How many comprehensions are open at each of them."""
    opened: list[bool] = []
    for found in _OPENING.finditer(source):
        if found.group() in ")]}":
            opened[-1:] = []
        else:
            opened.append(found.group(1) is not None)
            yield sum(opened)


def _check_names(source: str, program: Program, known: Mapping[str, Mapping[str, Any]]) -> None:
    bare = _TEXT.sub("''", source)
    for name in {"customer", "event"} & set(program.variables()) - set(known):
        raise ValueError(
            f"its expression asks for {name}, which it has not; a fit rule has no event"
        )
    for record, field in _FIELD.findall(bare):
        if record in known and field not in known[record]:
            raise ValueError(
                f"its expression asks for {record}.{field}, which there is not"
                f"{nearest(field, known[record])}"
            )
    for function in program.functions():
        if function.isidentifier() and function not in _FUNCTIONS:
            raise ValueError(
                f"its expression calls {function}, which there is not{nearest(function, _FUNCTIONS)}"
            )


def nearest(name: str, known: Any) -> str:
    """Part of a sentence: which of the known names was perhaps meant, or all of them."""
    near = get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else f"; there are {', '.join(sorted(known))}"


def _plain(value: Any) -> Any:
    # CEL knows no decimals; what is asked here is only compared, never kept.
    return float(value) if isinstance(value, Decimal) else value

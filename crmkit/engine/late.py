"""Values that a plan is made without: each request brings its own.

A plan is made once and run with many values. So the planner sees the leaves of variables
as `Late`: it can put one into a statement, or convert it, but not look at it. Where a
value decides what the plan is, `fixed` tells it and remembers that somebody looked: the
plan then serves only requests in which the same is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from crmkit.store.reach import EVERYTHING, Deferred, Reach

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

_NOTHING: Mapping[str, Any] = MappingProxyType({})


_UNKNOWN: Any = object()
_LEAVES = frozenset({str, int, float})


class Unbound(Exception):
    """A late value cannot be had of this request; planning for it alone says why."""


class Request:
    """What one request brings to a plan."""

    def __init__(
        self,
        variables: Mapping[str, Any],
        reach: Reach = EVERYTHING,
        payload: object = None,
        added: Mapping[str, Mapping[str, Any]] = _NOTHING,
    ) -> None:
        self.variables = variables
        self.reach = reach
        self.payload = payload
        # Records that this very operation has made: nobody has to look whether they are there.
        self.added = added
        self._known: dict[Late, Any] = {}

    def told(self, deferred: Deferred) -> Any:
        """The value of this request where a plan or a statement leaves it open.

        Raises:
            Unbound: It has none, because a conversion failed.
        """
        if not isinstance(deferred, Late):
            return self.reach.told(deferred)
        found = self._known.get(deferred, _UNKNOWN)
        if found is _UNKNOWN:
            found = self._known[deferred] = deferred.read(self)
        return found


class Late(Deferred):
    """A value that differs from request to request."""

    def __init__(self, planning: Planning, function: Callable[[Request], Any]) -> None:
        self._planning = planning
        self._function = function

    def read(self, request: Request) -> Any:
        """Makes the value anew; `Request.told` makes it once."""
        try:
            return self._function(request)
        except Exception as error:
            raise Unbound from error

    def map(self, convert: Callable[[Any], Any]) -> Late:
        """What this makes of the value, for each request."""
        return Late(self._planning, lambda request: convert(request.told(self)))

    def beside(self, values: list[Any]) -> Late:
        """This and other values, as one list."""
        return Late(self._planning, lambda request: told(values, request))

    def fixed(self, look: Callable[[Any], Any]) -> Any:
        """What is seen of the value; the plan holds only where the same is seen."""
        return self._planning.fixed(self.map(look))

    def __eq__(self, other: object) -> bool:
        raise TypeError("A late value is not to be compared while planning; look with fixed().")

    def __bool__(self) -> bool:
        raise TypeError("A late value is neither true nor false; look at it with fixed().")

    __hash__ = Deferred.__hash__


@dataclass(frozen=True, eq=False)
class Look:
    """Something that the planner wanted to know before it went on."""

    seen: Late

    def answer(self, request: Request) -> str:
        # As text: 1 equals True, and Decimal 1.0 equals 1.00, yet they make other plans.
        return repr(request.told(self.seen))


class Planning:
    """Makes one plan with the values of one request, and remembers what was looked at."""

    def __init__(self, request: Request) -> None:
        self.request: Request | None = request
        self.looks: list[tuple[Look, str]] = []

    def variables(self) -> dict[str, Any]:
        """The variables with late leaves; null, booleans and enums are part of their shape."""
        assert self.request is not None  # noqa: S101  planning has begun
        return {
            name: self._part(value, attrgetter("variables"), name)
            for name, value in self.request.variables.items()
        }

    def fixed(self, seen: Late) -> Any:
        assert self.request is not None  # noqa: S101  planning has not ended
        look = Look(seen)
        self.looks.append((look, look.answer(self.request)))
        return self.request.told(seen)

    def end(self) -> list[tuple[Look, str]]:
        """What was looked at; the values of the request are forgotten."""
        self.request = None
        return self.looks

    def _late(self, value: Any, read: Callable[[Request], Any]) -> Any:
        if value is None or isinstance(value, bool | Enum):
            return value
        if isinstance(value, dict):
            return {key: self._part(part, read, key) for key, part in value.items()}
        if isinstance(value, list):
            return [self._part(part, read, index) for index, part in enumerate(value)]
        return Late(self, read)

    def _part(self, part: Any, read: Callable[[Request], Any], key: str | int) -> Any:
        within = itemgetter(key)
        return self._late(part, lambda request: within(read(request)))


def shape_of(value: Any) -> Hashable:
    """All that a planner sees of a variable without looking at its leaves."""
    if type(value) in _LEAVES:
        return "."
    if isinstance(value, dict):
        return ("{", *[(key, shape_of(part)) for key, part in value.items()])
    if value is None or isinstance(value, bool | Enum):
        return value
    if isinstance(value, list):
        return ("[", *map(shape_of, value))
    return "."


def mapped(value: Any, convert: Callable[[Any], Any]) -> Any:
    """What this makes of a value, now or when it is known."""
    return value.map(convert) if isinstance(value, Late) else convert(value)


def fixed(value: Any, look: Callable[[Any], Any] = lambda value: value) -> Any:
    """What is seen of a value that decides what the plan is; see `Late.fixed`."""
    return value.fixed(look) if isinstance(value, Late) else look(value)


def all_fixed(value: Any) -> Any:
    """A value in which nothing is left open."""
    if isinstance(value, dict):
        return {key: all_fixed(part) for key, part in value.items()}
    return [all_fixed(part) for part in value] if isinstance(value, list) else fixed(value)


def told(value: Any, request: Request) -> Any:
    """A value with all that it leaves open as this request has it."""
    if isinstance(value, dict):
        return {key: told(part, request) for key, part in value.items()}
    if isinstance(value, list):
        return [told(part, request) for part in value]
    return request.told(value) if isinstance(value, Late) else value


def teller(value: Any) -> Callable[[Request], Any]:
    """What tells of each request the value that it has."""
    if isinstance(value, Late):
        return lambda request: request.told(value)
    return lambda request: told(value, request)


def together(values: list[Any]) -> Any:
    """Several values as one."""
    late = next((each for each in values if isinstance(each, Late)), None)
    return values if late is None else late.beside(values)

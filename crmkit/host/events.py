"""Events: what has happened, told after the commit to whoever wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Event:
    """Something that has happened, told after the commit; plugins subclass it.

    Handlers get the events of one `record` in the order in which they were emitted.
    """

    version: ClassVar[int] = 1
    as_told: ClassVar[frozenset[str]] = frozenset()
    """Fields whose ids stay as they are when their records have become others."""
    about: ClassVar[type | None] = None
    """The node of the records that it is about: of its `ids`, or, where it has none, of `record`."""

    record: str

    def payload(self) -> dict[str, Any]:
        """What of it is stored until its handlers have been told."""
        kind: Any = type(self)
        made: dict[str, Any] = _adapter(kind).serializer.to_python(self, mode="json")
        return made

    @classmethod
    def restored(cls, payload: Mapping[str, Any]) -> Self:
        """The event that was stored like this."""
        kind: Any = cls
        made: Self = _adapter(kind).validate_python(payload)
        return made


@dataclass(frozen=True)
class Happening:
    """An event of whatever plugin, as a handler hears it that hears all of them.

    `number` orders the events of a record: what happened later has a higher one. `request_id`
    and `at` are those of the unit in which it happened.
    """

    name: str
    number: int
    at: datetime
    event: Event
    request_id: str


@cache
def _adapter(event: Any) -> TypeAdapter[Any]:
    return TypeAdapter(event)

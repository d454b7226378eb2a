"""What a bulk mutation is told of faults, and what it answers for each record."""

from __future__ import annotations

from enum import Enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import strawberry

from crmkit.engine.descriptions import description_of
from crmkit.engine.fields import JSON
from crmkit.engine.nodes import enum
from crmkit.host.drafts import Outcome
from crmkit.values.errors import FAILURES, ErrorCode, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmkit.engine.bulk import Done


@enum
class OnError(Enum):
    """What happens to the others when a record is refused."""

    ABORT = "abort"
    """Nothing is written."""
    SKIP = "skip"
    """The others are written; each result says what became of its record."""


enum(Outcome)
strawberry.enum(ErrorCode, description="What kind of thing went wrong; the list is closed.")
for _value in ErrorCode.__strawberry_definition__.values:  # type: ignore[attr-defined]
    _value.description = description_of(FAILURES.get(ErrorCode[_value.name], Failure))


@strawberry.type(name="Problem", description="One fault of an input.")
class ProblemType:
    """One fault of an input."""

    field: list[str] = strawberry.field(description="Where it stands, from `input` on downwards.")
    code: ErrorCode = strawberry.field(description="What kind of fault it is.")
    message: str = strawberry.field(description="An English sentence.")
    params: JSON = strawberry.field(
        description="What a frontend needs to tell it in another language."
    )


@strawberry.type(description="Why a record was not taken in.")
class Rejection:
    """Why a record was not taken in."""

    code: ErrorCode = strawberry.field(description="What kind of thing went wrong.")
    message: str = strawberry.field(description="An English sentence.")
    reason: str | None = strawberry.field(description="A plugin's own name for it.")
    plugin: str | None = strawberry.field(description="Whose rule it is.")
    problems: list[ProblemType] = strawberry.field(description="All faults of the record.")


def answered(done: Done, attributes: Iterable[str]) -> SimpleNamespace:
    """One result: what became of the record, beside the fields of its payload."""
    own = {each: getattr(done.payload, each, None) for each in attributes}
    error = None if done.error is None else _rejection(done.error)
    return SimpleNamespace(index=done.index, outcome=done.outcome, error=error, **own)


def _rejection(failure: Failure) -> Rejection:
    problems = [
        ProblemType(
            field=[str(part) for part in each.field],
            code=each.code,
            message=each.message,
            params=_json(each.params),
        )
        for each in failure.problems
    ]
    return Rejection(
        code=failure.code,
        message=failure.message,
        reason=failure.reason,
        plugin=failure.plugin,
        problems=problems,
    )


def _json(params: Any) -> JSON:
    return JSON(dict(params))

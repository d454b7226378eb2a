"""What can go wrong, as small typed failures; one place turns them into answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, ClassVar

Path = tuple[str | int, ...]


class ErrorCode(StrEnum):
    """The closed list of codes a client may meet."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    CONFLICT = "CONFLICT"
    AMBIGUOUS = "AMBIGUOUS"
    REFUSED = "REFUSED"
    LIMITED = "LIMITED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    UNSUPPORTED = "UNSUPPORTED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True)
class Problem:
    """One fault of an input: where, what kind, and a sentence.

    `field` is the path in GraphQL's names (`("input", "emails", 0, "address")`);
    inside a service it is relative to its input and is completed on the way out.
    """

    field: Path
    code: ErrorCode
    message: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def below(self, path: Path) -> Problem:
        """Says the same of a field that stands deeper."""
        return replace(self, field=(*path, *self.field))


class Failure(Exception):
    """An expected failure: one sentence, a code, and what a frontend needs to tell it."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    reason: str | None = None

    def __init__(
        self,
        message: str,
        *,
        field: str | Path | None = None,
        reason: str | None = None,
        params: Mapping[str, Any] | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.reason
        self.plugin: str | None = None
        if not problems and (field is not None or params):
            path = (field,) if isinstance(field, str) else field or ()
            problems = [Problem(path, self.code, message, params or {})]
        self.problems: tuple[Problem, ...] = tuple(problems)

    def below(self, path: Path) -> Failure:
        """Completes the paths of its problems in place and returns itself."""
        self.problems = tuple(problem.below(path) for problem in self.problems)
        return self


class Invalid(Failure):
    """The input is not what the schema or a rule of form asks for."""

    code = ErrorCode.INVALID


class NotFound(Failure):
    """There is no such record, or the actor may not know of it."""

    code = ErrorCode.NOT_FOUND


class Forbidden(Failure):
    """The actor may not do this."""

    code = ErrorCode.FORBIDDEN


class Unauthenticated(Failure):
    """Nobody is signed in."""

    code = ErrorCode.UNAUTHENTICATED


class Conflict(Failure):
    """Somebody else was first: a stale version, a key that is taken."""

    code = ErrorCode.CONFLICT


class StaleVersion(Conflict):
    """Somebody else has changed this since it was seen."""

    reason = "core.stale_version"

    def __init__(self, current: int) -> None:
        super().__init__(
            f"This has changed since you saw it; its version is {current} now.",
            field="version",
            params={"current": current},
        )


class Ambiguous(Failure):
    """Several records match where one was meant."""

    code = ErrorCode.AMBIGUOUS


class Refused(Failure):
    """A rule of the domain says no."""

    code = ErrorCode.REFUSED


class Limited(Failure):
    """Too much in too short a time."""

    code = ErrorCode.LIMITED


class QueryTooComplex(Failure):
    """The operation asks for more than one answer may hold."""

    code = ErrorCode.QUERY_TOO_COMPLEX


class Timeout(Failure):
    """The operation took longer than it may."""

    code = ErrorCode.TIMEOUT


class Unavailable(Failure):
    """Something below does not answer at the moment."""

    code = ErrorCode.UNAVAILABLE


class IdempotencyMismatch(Failure):
    """The same idempotency key came with other arguments."""

    code = ErrorCode.IDEMPOTENCY_MISMATCH


class Unsupported(Failure):
    """The request is valid, but not served here."""

    code = ErrorCode.UNSUPPORTED


class SetupError(Exception):
    """A mistake in how the product is put together: names the culprit and the cure."""


FAILURES: Mapping[ErrorCode, type[Failure]] = {
    kind.code: kind
    for kind in (
        Invalid, NotFound, Forbidden, Unauthenticated, Conflict, Ambiguous, Refused,
        Limited, QueryTooComplex, Timeout, Unavailable, IdempotencyMismatch, Unsupported,
    )
}  # fmt: skip


def combined(problems: Sequence[Problem]) -> Failure:
    """All faults of an input as one failure, of the gravest code among them."""
    codes = {problem.code for problem in problems}
    code = next(each for each in ErrorCode if each in codes)
    message = problems[0].message
    if len(problems) > 1:
        message = f"{len(problems)} things are wrong with this input: {message}"
    return FAILURES[code](message, problems=problems)


def nearest(name: str, known: Iterable[str]) -> str:
    """Part of a sentence: which of the known names was perhaps meant."""
    near = get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""

"""What an input can be asked before anybody reads a row; every fault is a typed problem."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crmkit.values.errors import ErrorCode, Path, Problem, combined
from crmkit.values.regional import is_country, is_locale, is_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_NAME = 200
_KEY = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


def check(*faults: Iterable[Problem]) -> None:
    """Raises all faults at once, if there are any.

    Raises:
        Failure: Of the gravest code among them.
    """
    if found := [each for some in faults for each in some]:
        raise combined(found)


def fault(field: str | Path, message: str) -> Problem:
    """A fault of this field, in GraphQL's names."""
    path = (field,) if isinstance(field, str) else field
    return Problem(path, ErrorCode.INVALID, message)


def of_length(field: str, given: str | None, longest: int = LONGEST_NAME) -> Sequence[Problem]:
    """Wants a text that people can still read in one line."""
    if given and len(given) > longest:
        return [fault(field, f"This has at most {longest} characters.")]
    return ()


def present(field: str, given: str | None) -> Sequence[Problem]:
    """Wants more than blanks."""
    if not given or not given.strip():
        return [fault(field, "This cannot be blank.")]
    return ()


def word(field: str, given: str | None) -> Sequence[Problem]:
    """Wants more than blanks, and no more than a line of it."""
    return [*present(field, given), *of_length(field, given)]


def key(field: str, given: str | None) -> Sequence[Problem]:
    """Wants a name for programs, such as `first_call`."""
    if given is not None and (len(given) > LONGEST_NAME or not _KEY.fullmatch(given)):
        message = "is no key: small letters, digits, and one of . _ - between them."
        return [fault(field, f"{given[:80]!r} {message}")]
    return ()


def locale(field: str, given: str | None) -> Sequence[Problem]:
    """Wants a language."""
    if given and not is_locale(given):
        return [fault(field, f"{given[:80]!r} is no locale such as de or zh-CN.")]
    return ()


def zone(field: str, given: str | None) -> Sequence[Problem]:
    """Wants a time zone."""
    if given and not is_zone(given):
        return [fault(field, f"{given[:80]!r} is no time zone such as Europe/Berlin.")]
    return ()


def country(field: str, given: str) -> Sequence[Problem]:
    """Wants a country."""
    if not is_country(given):
        return [fault(field, f"{given[:80]!r} is no country of ISO 3166 such as DE.")]
    return ()

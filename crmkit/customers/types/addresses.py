"""What a client says about where customers live or work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crmkit.values import checks
from crmkit.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmkit.values.errors import Problem

PLACE = ("country", "region", "locality", "postal_code", "lines")
"""The columns that say where an address is."""

_MOST_LINES = 10
_LONGEST_CODE = 20


@dataclass(frozen=True)
class PostalAddress:
    """Where to send something, or to go."""

    country: str
    """The country, as ISO 3166 codes it, such as DE."""
    lines: Sequence[str] = ()
    """Street and number, and whatever else stands above the locality."""
    locality: str | None = None
    """The city, town or village."""
    region: str | None = None
    """The state or province, where an address names one."""
    postal_code: str | None = None
    """What sorts its mail, as its country writes it."""
    label: str | None = None
    """What it is for, such as delivery."""
    primary: bool = False
    """Whether it is the one to use; without a mark it is the first."""

    def __post_init__(self) -> None:
        checks.check(
            checks.country("country", self.normal["country"]),
            _line_faults(self.lines),
            checks.of_length("locality", self.normal["locality"]),
            checks.of_length("region", self.normal["region"]),
            checks.of_length("postalCode", self.normal["postal_code"], _LONGEST_CODE),
            checks.of_length("label", self.label),
        )

    @cached_property
    def normal(self) -> Mapping[str, Any]:
        """The address without its label, by column: no blanks around, the country in capitals."""
        return {
            "country": self.country.strip().upper(),
            "region": _plain(self.region),
            "locality": _plain(self.locality),
            "postal_code": _plain(self.postal_code),
            "lines": [each.strip() for each in self.lines],
        }


def place(normal: Mapping[str, Any]) -> str:
    """What two spellings of one address have in common."""
    *parts, lines = (normal[each] for each in PLACE)
    return fold("\x1f".join([*(each or "" for each in parts), *lines]))


def _plain(given: str | None) -> str | None:
    return (given or "").strip() or None


def _line_faults(lines: Sequence[str]) -> Iterator[Problem]:
    if len(lines) > _MOST_LINES:
        yield checks.fault("lines", f"An address has at most {_MOST_LINES} lines.")
    for index, each in enumerate(lines):
        for problem in checks.word("line", each):
            yield checks.fault(("lines", index), problem.message)

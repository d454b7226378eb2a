"""Drafts: records on their way in, and what rules say against them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from crmkit.values.errors import Problem, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")
Input = TypeVar("Input", covariant=True)
Model = TypeVar("Model", covariant=True, default=Any)


class Outcome(Enum):
    """What became of one record of a bulk mutation."""

    CREATED = "created"
    """It is new."""
    UPDATED = "updated"
    """It was there, and has changed."""
    UNCHANGED = "unchanged"
    """It was there already, just like this."""
    REJECTED = "rejected"
    """It was refused; its error says why."""


class Draft(Generic[Input, Model]):
    """One record on its way in: what was asked for, and the row that it becomes."""

    __slots__ = ("_extensions", "_row", "index", "input", "outcome")

    def __init__(
        self, input: Input, index: int = 0, extensions: Mapping[type, Any] | None = None
    ) -> None:
        self.input = input
        self.index = index
        self.outcome = Outcome.CREATED  # The service says so where it is another.
        self._extensions = extensions or {}
        self._row: Any = None

    @property
    def row(self) -> Model:
        """Its row, which hooks may change until the service adds it."""
        if self._row is None:
            raise RuntimeError(f"Draft {self.index} has no row yet; its service says becomes(row).")
        return self._row  # type: ignore[no-any-return]

    def becomes(self, row: T) -> T:
        """Says which row this draft becomes, and returns it."""
        self._row = row
        return row

    def rephrased(self, input: T) -> Draft[T, Any]:
        """The same record under another input, for a mutation that is made of others."""
        return Draft(input, self.index, self._extensions)

    def extension(self, kind: type[T]) -> T | None:
        """What the client said in the field that `kind` adds to this input, if anything."""
        return self._extensions.get(kind)


@dataclass(frozen=True)
class Refusal:
    """One record that a rule refuses, and the plugin whose rule it is."""

    draft: Draft[Any, Any]
    problem: Problem
    reason: str | None
    plugin: str


class DraftsRefused(Refused):
    """Some drafts of a unit were refused; the paths of its problems begin at their inputs."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        first = refusals[0]
        problems = [each.problem for each in refusals]
        super().__init__(first.problem.message, reason=first.reason, problems=problems)
        self.plugin = first.plugin
        self.refusals = tuple(refusals)

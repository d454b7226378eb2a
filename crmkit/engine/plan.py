"""What a planner makes of an operation: steps that bring rows, slots that read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import FieldNode

from crmkit.engine import builder as b
from crmkit.engine.generated import Build
from crmkit.engine.steps import Batched, Below, Level
from crmkit.engine.told import Told

Nodes = Sequence[FieldNode]
"""What a document says of one field, which it may name several times."""


@dataclass(eq=False)
class Plan:
    """The steps to run, and the slots that make the answer from what they bring."""

    below: list[Below] = field(default_factory=list)
    calls: list[Batched] = field(default_factory=list)
    slots: list[b.Slot] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    introspected: list[FieldNode] = field(default_factory=list)
    runs: int = 0
    build: Build | None = None
    is_written: bool = False
    """Whether its builder was written, or found to be none that can be."""
    tells: Mapping[Level, Told] | None = None
    """Of a payload, how all of its steps follow from what the operation wrote, if they do."""

    def steps(self) -> Iterator[Level]:
        """All steps, also those that hang below others."""
        called = (each for call in self.calls for each in call.below)
        waiting = [each.step for each in reversed([*self.below, *called])]
        while waiting:
            step = waiting.pop()
            yield step
            inner = [*step.below, *(each for batch in step.batches for each in batch.below)]
            waiting += [each.step for each in reversed(inner)]

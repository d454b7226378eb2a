"""What a client sees of the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit.engine.fields import Ref, computed, list_of, to_one
from crmkit.engine.nodes import node
from crmkit.stages import models
from crmkit.values import checks
from crmkit.vocabulary.types import Label, label, label_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.values.errors import Problem


@node(models.Stage, list="stages", read="core.stage.read", order_by=models.Stage.position)
class Stage:
    """A step of the ladder that customers climb."""

    key: str
    label: str = computed(label, models.Stage.labels, models.Stage.key)
    position: int
    is_default: bool
    moves: list[StageTransition] = list_of(models.StageTransition.from_id)
    """The moves that are allowed from here."""


@node(models.StageTransition, read="core.stage.read")
class StageTransition:
    """A move from one stage to another that is allowed."""

    from_: Stage = to_one(models.StageTransition.from_id)
    """The stage it leaves."""
    to: Stage = to_one(models.StageTransition.to_id)
    """The stage it leads to."""


@dataclass(frozen=True)
class CreateStage:
    """A new step of the ladder."""

    key: str
    """Names it in programs; never changes."""
    labels: Sequence[Label] = ()
    """What people call it."""
    position: int | None = None
    """Its place on the ladder; above all others unless given."""
    is_default: bool = False
    """Whether new customers begin here from now on, and nowhere else."""

    def __post_init__(self) -> None:
        checks.check(checks.key("key", self.key), label_faults(self.labels))


@dataclass(frozen=True)
class CreatedStage:
    """What was made."""

    stage: Stage
    """The new stage."""


@dataclass(frozen=True)
class AllowMove:
    """A step that customers may take from now on."""

    from_id: Ref[Stage]
    """The stage it leaves."""
    to_id: Ref[Stage]
    """The stage it leads to."""

    def __post_init__(self) -> None:
        checks.check(_standing(self))


@dataclass(frozen=True)
class AllowedMove:
    """What was made."""

    transition: StageTransition
    """The move that is allowed now."""


def _standing(given: AllowMove) -> Iterator[Problem]:
    if given.from_id == given.to_id:
        yield checks.fault("toId", "A move leads somewhere else.")

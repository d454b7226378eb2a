"""What other plugins may know of grading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit_grading import service
from crmkit_grading.models import Change as ChangeRow
from crmkit_grading.models import Grade as GradeRow
from crmkit_grading.models import Score as ScoreRow
from crmkit_grading.types import CustomersGraded, Grade, GradeChange

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from crmkit import sdk

__all__ = [
    "ChangeRow",
    "CustomersGraded",
    "Grade",
    "GradeChange",
    "GradeRow",
    "ScoreRow",
    "grade_keys",
]


async def grade_keys(
    context: sdk.Context[Any], customer_ids: Collection[str]
) -> Mapping[str, str | None]:
    """The grade of each of these customers as they were last graded, by its key.

    Who wants to hear of another grade listens to `grading.CustomersGraded`.
    """
    return await service.grade_keys(context.bound("grading"), customer_ids)

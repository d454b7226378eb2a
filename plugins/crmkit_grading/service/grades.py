"""Grades: the series that there are from the beginning, and how they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_grading import errors, repository
from crmkit_grading.config import Context
from crmkit_grading.models import Grade as GradeRow
from crmkit_grading.types import (
    CreatedGrade,
    CreateGrade,
    Grade,
    RegradingWanted,
    UpdatedGrade,
    UpdateGrade,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Labels = dict[str, str]

_PRESETS: Mapping[str, Sequence[tuple[str, int, Labels]]] = {
    "abcd": (
        ("a", 75, {"en": "A"}),
        ("b", 50, {"en": "B"}),
        ("c", 25, {"en": "C"}),
        ("d", 0, {"en": "D"}),
    ),
    "value": (
        ("high", 67, {"en": "High value", "de": "Hoher Wert", "zh": "高"}),
        ("mid", 34, {"en": "Middle value", "de": "Mittlerer Wert", "zh": "中"}),
        ("low", 0, {"en": "Low value", "de": "Niedriger Wert", "zh": "低"}),
    ),
    "potential": (
        ("high", 75, {"en": "High value", "de": "Hoher Wert", "zh": "高价值"}),
        ("potential", 50, {"en": "Potential", "de": "Potenzial", "zh": "潜力"}),
        ("ordinary", 25, {"en": "Ordinary", "de": "Gewöhnlich", "zh": "一般"}),
        ("low", 0, {"en": "Low value", "de": "Niedriger Wert", "zh": "低价值"}),
    ),
}


async def ensure_presets(context: Context) -> None:
    """Adds the series that nobody has changed because they have never been there."""
    there = {each for (each,) in await context.rules(repository.series())}
    rows = [
        GradeRow(series=series, key=key, labels=labels, at_least=at_least)
        for series, grades in _PRESETS.items()
        if series not in there
        for key, at_least, labels in grades
    ]
    # Two servers that start at one time add them once.
    context.write.upsert(GradeRow, rows, key=(GradeRow.series, GradeRow.key))


@sdk.mutation(permission="grading.grade.create", bulk="createGrades")
async def create_grades(
    context: Context, drafts: Sequence[sdk.Draft[CreateGrade, GradeRow]]
) -> Sequence[CreatedGrade]:
    """Add a grade to a series, or begin one; if it is the one that counts, it counts at once."""
    for draft in drafts:
        given = draft.input
        row = GradeRow(
            series=given.series,
            key=given.key,
            labels=_labels(given.labels),
            at_least=given.at_least,
        )
        context.write.add(draft.becomes(row))
    if any(draft.input.series == context.config.grades for draft in drafts):
        _regrade_all(context)
    return [CreatedGrade(grade=sdk.ref(Grade, draft.row.id)) for draft in drafts]


@sdk.mutation(permission="grading.grade.update", bulk="updateGrades")
async def update_grades(
    context: Context, drafts: Sequence[sdk.Draft[UpdateGrade, GradeRow]]
) -> Sequence[UpdatedGrade]:
    """Change what a grade wants or how it is called; other points have all graded again."""
    found = await context.rules(repository.versions({draft.input.id for draft in drafts}))
    before = {id_: (version, at_least) for id_, version, at_least in found}
    moved = False
    for draft in drafts:
        given = draft.input
        version, at_least = before[given.id]
        draft.outcome = sdk.Outcome.UPDATED
        if given.version not in (None, version):
            context.reject(draft, errors.StaleVersion(version))
        values = _values(given)
        moved |= values.get(GradeRow.at_least, at_least) != at_least
        if values:
            context.write.change(GradeRow, given.id, set=values)
    if moved:
        _regrade_all(context)
    return [UpdatedGrade(grade=sdk.ref(Grade, draft.input.id)) for draft in drafts]


def _values(given: UpdateGrade) -> dict[Any, Any]:
    values: dict[Any, Any] = {}
    if given.at_least is not sdk.UNSET:
        values[GradeRow.at_least] = given.at_least
    if given.labels is not sdk.UNSET:
        values[GradeRow.labels] = _labels(given.labels)
    return values


def _regrade_all(context: Context) -> None:
    context.emit(RegradingWanted("grading", after="", only_due=False))


def _labels(given: Sequence[sdk.Label]) -> Labels:
    return {label.locale: label.text for label in given}

"""The rules of grading: who has which grade, since when, and what grades there are."""

from crmkit_grading.service.grades import create_grades, ensure_presets, update_grades
from crmkit_grading.service.grading import (
    Regraded,
    fade,
    follow,
    grade_keys,
    regrade,
    regrade_customers,
    regrade_page,
    waiting,
)

__all__ = [
    "Regraded",
    "create_grades",
    "ensure_presets",
    "fade",
    "follow",
    "grade_keys",
    "regrade",
    "regrade_customers",
    "regrade_page",
    "update_grades",
    "waiting",
]

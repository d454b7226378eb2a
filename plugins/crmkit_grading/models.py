"""Tables: grades, what each customer has reached, and every change of it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped

from crmkit import sdk


@sdk.enum
class GradingReason(Enum):
    """Why somebody was graded again."""

    CUSTOMER = "customer"
    """The customer is new, back, on another stage or otherwise another."""
    EVENT = "event"
    """Something happened, or what had happened was undone."""
    REGRADING = "regrading"
    """Everybody was graded again, by time or because rules or grades are others."""


class Grade(sdk.Versioned):
    """A grade of a series: who has at least so many points has it."""

    __tablename__ = "grading_grade"
    __table_args__ = (
        Index("uq_grading_grade_series", "series", "key", unique=True),
        Index("uq_grading_grade_at_least", "series", "at_least", unique=True),
    )

    series: Mapped[str] = sdk.column(
        sdk.Code, personal=False, filterable=True, doc="The grades that it is one of, by their key."
    )
    key: Mapped[str] = sdk.column(
        sdk.Code, personal=False, filterable=True, doc="Names it in programs; never changes."
    )
    labels: Mapped[dict[str, str]] = sdk.column(
        sdk.Json, personal=False, doc="What people call it, by locale."
    )
    at_least: Mapped[int] = sdk.column(
        Integer, filterable=True, doc="The points from which on a customer has it."
    )


class Score(sdk.Base):
    """What a customer has reached, as it was last counted."""

    __tablename__ = "grading_score"

    customer_id: Mapped[str] = sdk.column(
        ForeignKey("customer.id"), primary_key=True, doc="Whose score this is."
    )
    points: Mapped[int] = sdk.column(
        Integer, default=0, filterable=True, doc="The points that the rules give together."
    )
    fit: Mapped[int] = sdk.column(
        Integer, default=0, filterable=True, doc="The points of the rules of fit."
    )
    engagement: Mapped[int] = sdk.column(
        Integer, default=0, filterable=True, doc="The points of the rules of engagement."
    )
    grade: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        groupable=True,
        default=None,
        doc="The grade that these points reach, by its key; nothing before the first grading.",
    )
    graded_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, filterable=True, default=None, doc="When they were counted."
    )
    changes_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime,
        filterable=True,
        default=None,
        doc="From when on they can be others although nothing happens.",
    )
    rules: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="The version of the rules that counted them.",
    )


class Change(sdk.Record):
    """A score that became another; it never changes."""

    __tablename__ = "grading_change"
    __append_only__ = True
    # The newest changes of each customer, without sorting the others.
    __table_args__ = (Index("ix_grading_change_customer_id", "customer_id", "created_at", "id"),)

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Whose score it is.")
    old_score: Mapped[int] = sdk.column(Integer, doc="The points before.")
    new_score: Mapped[int] = sdk.column(Integer, doc="The points after.")
    old_grade: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        default=None,
        filterable=True,
        groupable=True,
        doc="The grade before, by its key.",
    )
    new_grade: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        default=None,
        filterable=True,
        groupable=True,
        doc="The grade after, by its key.",
    )
    reason: Mapped[GradingReason] = sdk.column(
        sdk.Choice(GradingReason), filterable=True, doc="Why it was counted again."
    )
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )
    rules: Mapped[str] = sdk.column(
        sdk.Code, personal=False, doc="The version of the rules that counted it."
    )

"""Tables: tags, and the customers who have them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Code
from crmkit.store.database import Record, column
from crmkit.vocabulary.models import Term

MOST = 100
"""As many tags as a customer can have, and as `Customer.tags` shows."""


class Tag(Term):
    """A word that is pinned to customers, such as vip or fair-2026."""

    __tablename__ = "tag"

    colour: Mapped[str | None] = column(
        Code, personal=False, default=None, doc="How it is painted, such as #d97706."
    )
    description: Mapped[str | None] = column(
        Text, personal=False, default=None, doc="When to use it."
    )


class CustomerTag(Record):
    """That a customer has a tag."""

    __tablename__ = "customer_tag"
    __table_args__ = (
        Index("uq_customer_tag_customer_id", "customer_id", "tag_id", unique=True),
        Index("ix_customer_tag_tag_id", "tag_id", "created_at", "id"),
    )

    customer_id: Mapped[str] = column(ForeignKey("customer.id"), doc="Who has it.")
    tag_id: Mapped[str] = column(ForeignKey("tag.id"), doc="The tag.")
    actor: Mapped[str] = column(Code, personal=False, doc="Who pinned it.")

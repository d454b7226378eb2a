"""Tables: channels, and the touchpoints that work through them."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped

from crmkit.store.database import column
from crmkit.vocabulary.models import Term


class Channel(Term):
    """A medium, such as email or a visit."""

    __tablename__ = "channel"


class Touchpoint(Term):
    """A named place where customers meet us: a shop, a campaign, a page."""

    __tablename__ = "touchpoint"

    channel_id: Mapped[str | None] = column(
        ForeignKey("channel.id"), default=None, doc="The medium it works through, if it is one."
    )

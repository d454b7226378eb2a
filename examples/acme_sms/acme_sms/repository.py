"""The statements of text messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, select

from acme_sms.models import Message, SmsState
from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

_Phone = sdk.rows.CustomerPhone


def numbers_of(customer_ids: Collection[str]) -> Select[str, str]:
    """The numbers of these customers, the primary one of each first."""
    return (
        select(_Phone.customer_id, _Phone.number)
        .where(_Phone.customer_id.in_(customer_ids))
        .order_by(_Phone.is_primary.desc(), _Phone.id)
    )


def waiting(message_id: str) -> Select[str, str, str, datetime | None]:
    """To whom a message goes that is still to be sent, and whether they are still there."""
    return (
        select(Message.customer_id, Message.number, Message.text, sdk.rows.Customer.deleted_at)
        .join(sdk.rows.Customer, sdk.rows.Customer.id == Message.customer_id)
        .where(Message.id == message_id, Message.state == SmsState.QUEUED)
    )

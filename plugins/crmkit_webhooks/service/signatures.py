"""Messages are signed as Standard Webhooks has it, with every secret that is valid."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from standardwebhooks import Webhook as Signing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from crmkit_webhooks.config import Context


def secret_of(context: Context, secret_id: str) -> str:
    """The secret of this id, as receivers' libraries take it."""
    return f"whsec_{b64encode(context.secret(secret_id)).decode()}"


def signed_headers(
    context: Context, message_id: str, at: datetime, body: str, secret_ids: Sequence[str]
) -> Mapping[str, str]:
    """What a receiver checks a message by; of several signatures one has to be right."""
    signed = [
        Signing(secret_of(context, each)).sign(msg_id=message_id, timestamp=at, data=body)
        for each in secret_ids
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }

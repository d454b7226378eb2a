"""The rules of webhooks."""

from crmkit_webhooks.service.deliveries import (
    deliver,
    forget_old,
    hear,
    replay_webhook_delivery,
    wanted,
)
from crmkit_webhooks.service.webhooks import (
    create_webhook,
    delete_webhook,
    pause_webhook,
    resume_webhook,
    rotate_webhook_secret,
    update_webhook,
)

__all__ = [
    "create_webhook",
    "delete_webhook",
    "deliver",
    "forget_old",
    "hear",
    "pause_webhook",
    "replay_webhook_delivery",
    "resume_webhook",
    "rotate_webhook_secret",
    "update_webhook",
    "wanted",
]

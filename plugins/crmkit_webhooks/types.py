"""What a client sees of webhooks, and what it asks for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crmkit import sdk
from crmkit_webhooks import models

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_URL = 2_000
_LONGEST_WHERE = 10_000
_MOST_EVENTS = 200
_MOST_HOURS = 24 * 30


def _as_they_are(given: list[str]) -> list[str]:
    return given


def _as_it_is(given: sdk.JSON | None) -> sdk.JSON | None:
    return given


@sdk.node(
    models.WebhookAttempt,
    read="webhooks.delivery.read",
    order_by=models.WebhookAttempt.created_at.desc(),
)
class WebhookAttempt:
    """One try to deliver something."""

    status: int | None
    milliseconds: int
    said: str


@sdk.node(
    models.WebhookDelivery,
    list="webhookDeliveries",
    read="webhooks.delivery.read",
    order_by=models.WebhookDelivery.created_at.desc(),
)
class WebhookDelivery:
    """An event on its way to a webhook; its id is the message's, whatever the try."""

    webhook: Webhook = sdk.to_one()
    """Who is told."""
    event: str
    sequence: sdk.BigInt
    happened_at: datetime
    state: models.WebhookDeliveryState
    tries: int
    next_try_at: datetime | None
    attempts: sdk.Connection[WebhookAttempt] = sdk.to_many(
        models.WebhookAttempt.delivery_id, order_by=models.WebhookAttempt.created_at.desc()
    )
    """What the receiver answered each time, the latest first."""


@sdk.node(
    models.Webhook,
    list="webhooks",
    read="webhooks.webhook.read",
    order_by=models.Webhook.created_at.desc(),
)
class Webhook:
    """Another system that is told of events, as far as a role may see them."""

    url: str
    events: list[str] = sdk.computed(
        _as_they_are, models.Webhook.events, description="The events that it is told of."
    )
    role: sdk.Role = sdk.to_one()
    """The role that says what may be told."""
    where: sdk.JSON | None = sdk.computed(
        _as_it_is,
        models.Webhook.where,
        description="Of which records it is told; of all that its role reaches, unless said.",
    )
    state: models.WebhookState
    problem: str | None
    failing_since: datetime | None
    deliveries: sdk.Connection[WebhookDelivery] = sdk.to_many(
        models.WebhookDelivery.webhook_id, order_by=models.WebhookDelivery.created_at.desc()
    )
    """What it was told and is to be told, the latest first."""


@dataclass(frozen=True)
class CreateWebhook:
    """Another system that is to be told of events."""

    url: str
    """Where messages are posted."""
    events: Sequence[str]
    """The events that it is told of, such as core.CustomersMoved."""
    role_id: sdk.Ref[sdk.Role]
    """The role that says what may be told; it gives nothing that you have not."""
    where: dict | None = None  # type: ignore[type-arg]
    """Of which records it is told, as a list of what the events are about takes it, by the role's
    rights; of all, unless said. It is asked of the records as they are when they are told."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            _faults_of_url(self.url), _faults_of_events(self.events), _faults_of_where(self.where)
        )


@dataclass(frozen=True)
class CreatedWebhook:
    """The webhook, and the secret by which its receiver knows us."""

    webhook: Webhook
    """The new webhook."""
    secret: sdk.Secret | None
    """What signs its messages, told this once: a repeat gets null."""


@dataclass(frozen=True)
class UpdateWebhook:
    """What is to be different about a webhook; what is left out stays as it is."""

    id: sdk.Ref[Webhook]
    """Which webhook."""
    url: str | sdk.Unset = sdk.UNSET
    """Where messages are posted."""
    events: Sequence[str] | sdk.Unset = sdk.UNSET
    """All events that it is told of; they replace what is there."""
    role_id: sdk.Ref[sdk.Role] | sdk.Unset = sdk.UNSET
    """The role that says what may be told."""
    where: dict | sdk.Unset | None = sdk.UNSET  # type: ignore[type-arg]
    """Of which records it is told; null for all."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            () if isinstance(self.url, sdk.Unset) else _faults_of_url(self.url),
            () if isinstance(self.events, sdk.Unset) else _faults_of_events(self.events),
            () if isinstance(self.where, sdk.Unset) else _faults_of_where(self.where),
        )


@dataclass(frozen=True)
class UpdatedWebhook:
    """The webhook, changed."""

    webhook: Webhook
    """It, as it stands now."""


@dataclass(frozen=True)
class PauseWebhook:
    """A webhook that is not told for a while; what happens meanwhile waits."""

    id: sdk.Ref[Webhook]
    """Which webhook."""


@dataclass(frozen=True)
class PausedWebhook:
    """The webhook, paused."""

    webhook: Webhook
    """It, as it stands now."""


@dataclass(frozen=True)
class ResumeWebhook:
    """A webhook that is told again, also of what waits for it."""

    id: sdk.Ref[Webhook]
    """Which webhook."""


@dataclass(frozen=True)
class ResumedWebhook:
    """The webhook, active."""

    webhook: Webhook
    """It, as it stands now."""


@dataclass(frozen=True)
class RotateWebhookSecret:
    """A webhook that is to get another secret."""

    id: sdk.Ref[Webhook]
    """Which webhook."""
    old_valid_hours: int | None = None
    """For how long messages are signed with the old one as well; as the settings say, unless said."""

    def __post_init__(self) -> None:
        hours = self.old_valid_hours
        if hours is not None and not 0 <= hours <= _MOST_HOURS:
            said = f"An old secret stays valid for 0 to {_MOST_HOURS} hours."
            sdk.checks.check([sdk.checks.fault("oldValidHours", said)])


@dataclass(frozen=True)
class RotatedWebhookSecret:
    """The webhook, and its new secret."""

    webhook: Webhook
    """It, as it stands now."""
    secret: sdk.Secret | None
    """What signs its messages from now on, told this once: a repeat gets null."""


@dataclass(frozen=True)
class DeleteWebhook:
    """A webhook that nobody wants any more."""

    id: sdk.Ref[Webhook]
    """Which webhook; what waits for it is not sent, and its log goes with it."""


@dataclass(frozen=True)
class DeletedWebhook:
    """The webhook is gone."""

    deleted_webhook_id: str
    """The id that it had."""


@dataclass(frozen=True)
class ReplayWebhookDelivery:
    """A delivery that is to be sent once more, under the same id."""

    id: sdk.Ref[WebhookDelivery]
    """Which delivery."""


@dataclass(frozen=True)
class ReplayedWebhookDelivery:
    """The delivery, on its way again."""

    delivery: WebhookDelivery
    """It, as it stands now."""


def _faults_of_url(url: str) -> Iterator[sdk.Problem]:
    yield from sdk.checks.of_length("url", url, _LONGEST_URL)
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_plain = parts.username is None and parts.password is None and parts.port != 0
    except ValueError:
        is_web = is_plain = False
    if not (is_web and is_plain):
        yield sdk.checks.fault("url", "This is no address such as https://example.com/hooks.")


def _faults_of_where(where: Mapping[str, Any] | None) -> Iterator[sdk.Problem]:
    if len(json.dumps(where)) > _LONGEST_WHERE:
        yield sdk.checks.fault("where", f"This has at most {_LONGEST_WHERE:,} characters.")


def _faults_of_events(events: Sequence[str]) -> Iterator[sdk.Problem]:
    if not 1 <= len(events) <= _MOST_EVENTS:
        yield sdk.checks.fault("events", f"A webhook is told of 1 to {_MOST_EVENTS} events.")

"""What can go wrong with webhooks."""

from __future__ import annotations

from crmkit import sdk


class StaleVersion(sdk.Conflict):
    """Somebody else has changed the webhook since it was seen."""

    reason = "webhooks.stale_version"

    def __init__(self, current: int) -> None:
        super().__init__(
            f"This has changed since you saw it; its version is {current} now.",
            field="version",
            params={"current": current},
        )


class StillWaiting(sdk.Refused):
    """What is on its way is not sent again."""

    reason = "webhooks.still_waiting"

    def __init__(self) -> None:
        super().__init__("This is on its way already.", field="id")


class NotActive(sdk.Refused):
    """Nothing is sent to a webhook that is paused or disabled."""

    reason = "webhooks.not_active"

    def __init__(self) -> None:
        super().__init__("This webhook is not active; resume it first.", field="id")


class TooManySecrets(sdk.Refused):
    """A message carries a signature for each secret, and there is an end to that."""

    reason = "webhooks.too_many_secrets"

    def __init__(self) -> None:
        super().__init__("There are too many secrets still valid; wait until one has ended.")

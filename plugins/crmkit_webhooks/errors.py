"""What can go wrong with webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Sequence


class StaleVersion(sdk.Conflict):
    """Somebody else has changed the webhook since it was seen."""

    reason = "webhooks.stale_version"

    def __init__(self, current: int) -> None:
        super().__init__(
            f"This has changed since you saw it; its version is {current} now.",
            field="version",
            params={"current": current},
        )


class NotAboutOneKind(sdk.Invalid):
    """A `where` can be said of records of one kind alone."""

    reason = "webhooks.not_about_one_kind"

    def __init__(self, kinds: Sequence[str]) -> None:
        about = " and ".join(kinds) if kinds else "no records that they name"
        super().__init__(
            f"These events are about {about}; with a where, a webhook is told of events that are "
            "about records of one type: see eventCatalog.",
            field="where",
        )


class Unaskable(sdk.Refused):
    """What a webhook asks by cannot be asked any more, after a role or a plugin has changed."""

    reason = "webhooks.unaskable"


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

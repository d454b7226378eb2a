"""What a client sees of events: which there are, in which form, and who listens."""

from __future__ import annotations

from crmkit.engine.fields import JSON
from crmkit.engine.nodes import value


@value
class EventKind:
    """An event that the core or a plugin tells of."""

    name: str
    """How handlers listen to it, such as core.CustomersCreated."""
    plugin: str
    """Who tells of it."""
    version: int
    """Which form its payload has."""
    about: str | None
    """The type of the records that it is about; nothing where it does not say so."""
    description: str
    """What has happened."""
    payload: JSON
    """The JSON schema of its payload."""
    handlers: list[str]
    """Who listens to it."""

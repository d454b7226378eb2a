"""What others say to interactions, in their own unit and with all hooks."""

from crmkit.interactions.service import record_interactions as record

__all__ = ["record"]

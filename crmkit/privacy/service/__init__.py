"""What is done when somebody wants to know what is known of them, or to be forgotten."""

from crmkit.privacy.service.erasing import erase, erase_customer, erase_next, erase_some
from crmkit.privacy.service.exporting import export_customer, export_of
from crmkit.privacy.service.lifting import lift_suppressions

__all__ = [
    "erase",
    "erase_customer",
    "erase_next",
    "erase_some",
    "export_customer",
    "export_of",
    "lift_suppressions",
]

"""What tests of crmkit and of its plugins stand on."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.testing.contract import plugin_contract
    from crmkit.testing.rows import add_customers, add_rows
    from crmkit.testing.trial import Trial, crm

__all__ = ["Trial", "add_customers", "add_rows", "crm", "plugin_contract"]

_HOMES = {
    "Trial": "crmkit.testing.trial",
    "add_customers": "crmkit.testing.rows",
    "add_rows": "crmkit.testing.rows",
    "crm": "crmkit.testing.trial",
    "plugin_contract": "crmkit.testing.contract",
}


def __getattr__(name: str) -> Any:
    # Pytest imports this package wherever crmkit is installed; only users pay for the rest.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

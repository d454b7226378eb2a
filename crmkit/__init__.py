"""A CRM framework: customers, interactions and stages; everything else is a plugin."""

from __future__ import annotations

__version__ = "0.1.0"

"""Languages and time zones, by the names that standards give them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError


def is_zone(name: str) -> bool:
    """Knows Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def is_locale(name: str) -> bool:
    """Knows de and zh-CN, also with an underscore."""
    try:
        Locale.parse(name, sep="_" if "_" in name else "-")
    except (UnknownLocaleError, ValueError):
        return False
    return True

"""The smallest plugins, and settings that enable them."""

from __future__ import annotations

from itertools import count
from typing import Any

from crmkit.host.manifest import Plugin
from crmkit.settings import Settings

NUMBERS = count(1)  # SQLAlchemy wants the names of classes to differ


class Core(Plugin):
    name = "core"
    version = "1.0"


def plugin(name: str, **given: Any) -> type[Plugin]:
    """Makes a plugin of this name; everything else is an attribute of its class."""
    return type(name.title(), (Plugin,), {"name": name, "version": "1.0", **given})


def settings(*enabled: str, **given: Any) -> Settings:
    profile = given.pop("profile", "development")
    sections = {"enabled": enabled, **given}
    return Settings.model_validate({"profile": profile, "secret": "s" * 32, "plugins": sections})

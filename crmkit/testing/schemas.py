"""The last schemas that this process has built: building one takes a tenth of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.graph.schema import Schema
    from crmkit.host.manifest import Plugin
    from crmkit.settings import Settings

_KEPT = 8  # Many would be memory that the garbage collector walks through again and again.
_SCHEMAS: dict[tuple[tuple[type[Plugin], ...], str], Schema] = {}


def known(plugins: Sequence[type[Plugin]], settings: Settings) -> Schema | None:
    """A schema of the same plugins and settings, if one was built of late."""
    return _SCHEMAS.get(_key(plugins, settings))


def remember(schema: Schema, plugins: Sequence[type[Plugin]], settings: Settings) -> None:
    """Keeps a schema for whoever opens an app of the same plugins and settings."""
    _SCHEMAS[_key(plugins, settings)] = schema
    if len(_SCHEMAS) > _KEPT:
        del _SCHEMAS[next(iter(_SCHEMAS))]


def _key(
    plugins: Sequence[type[Plugin]], settings: Settings
) -> tuple[tuple[type[Plugin], ...], str]:
    """What is in a schema: plugins, what the operator calls their fields, and his own fields."""
    renames = [settings.plugins.renames(each.name) for each in plugins]
    return tuple(plugins), repr([renames, settings.fields, settings.secret.get_secret_value()])

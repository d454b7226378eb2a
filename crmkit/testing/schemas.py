"""The last schemas that this process has built, and what was found out of documents in them.

Building a schema takes a tenth of a second, and to validate what a test asks takes longer than to
answer it; neither depends on the database that is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from crmkit.graph.endpoint import documents_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.graph.documents import Documents
    from crmkit.graph.schema import Schema
    from crmkit.host.manifest import Plugin
    from crmkit.settings import Settings

_KEPT = 8  # Many would be memory that the garbage collector walks through again and again.
_DOCUMENTS: WeakKeyDictionary[Schema, dict[str, Documents]] = WeakKeyDictionary()
_SCHEMAS: dict[tuple[tuple[type[Plugin], ...], str], Schema] = {}


def known(plugins: Sequence[type[Plugin]], settings: Settings) -> Schema | None:
    """A schema of the same plugins and settings, if one was built of late."""
    return _SCHEMAS.get(_key(plugins, settings))


def remember(schema: Schema, plugins: Sequence[type[Plugin]], settings: Settings) -> None:
    """Keeps a schema for whoever opens an app of the same plugins and settings."""
    _SCHEMAS[_key(plugins, settings)] = schema
    if len(_SCHEMAS) > _KEPT:
        del _SCHEMAS[next(iter(_SCHEMAS))]


def documents(schema: Schema, settings: Settings) -> Documents:
    """What was found out of documents in this schema, under such settings."""
    kept = _DOCUMENTS.setdefault(schema, {})
    key = repr([settings.graphql.limits, settings.profile])
    if key not in kept:
        kept[key] = documents_of(schema, settings)
    return kept[key]


def _key(
    plugins: Sequence[type[Plugin]], settings: Settings
) -> tuple[tuple[type[Plugin], ...], str]:
    """What is in a schema: plugins, what the operator calls their fields, and his own fields."""
    renames = [settings.plugins.renames(each.name) for each in plugins]
    return tuple(plugins), repr([renames, settings.fields, settings.secret.get_secret_value()])

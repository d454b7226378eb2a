"""Where the tables of each plugin stand: what the database has noted, and what migrations say.

Alembic moves them; to ask how far they are is no reason to import it, which takes a start longer
than to open the database.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

import crmkit
from crmkit.host.connections import connected
from crmkit.host.discovery import discover
from crmkit.host.tables import CORE
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from crmkit.host.loaded import Loaded, LoadedPlugin

_VERSIONS = "alembic_version"
_PRODUCT = Path(crmkit.__file__).parent
_SAID = re.compile(r"^(revision|down_revision)\b[^=\n]*=(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Lineage:
    """Where a plugin's tables stand, and what its code would make of them."""

    plugin: str
    current: str | None
    head: str | None
    pending: Sequence[str]


def status(url: str, loaded: Loaded) -> list[Lineage]:
    """Says where each lineage stands, in the order of loading.

    Raises:
        SetupError: The migrations of a plugin do not follow each other.
    """
    return connected(url, partial(standings, loaded))


def standings(loaded: Loaded, connection: Connection) -> list[Lineage]:
    """The same, of one transaction."""
    return [standing(connection, each) for each in loaded.plugins if has_lineage(each)]


def standing(connection: Connection, plugin: LoadedPlugin) -> Lineage:
    """The same, of one plugin."""
    current = _current(connection, plugin.name)
    versions = versions_of(plugin)
    known = _revisions(plugin.name, versions) if versions else []
    if current is None:
        pending = known
    else:
        pending = known[known.index(current) + 1 :] if current in known else []
    return Lineage(plugin.name, current, known[-1] if known else None, pending)


def recorded(url: str) -> dict[str, str | None]:
    """Where the lineages of this database stand, also of plugins that are not loaded."""
    return connected(url, recorded_in)


def recorded_in(connection: Connection) -> dict[str, str | None]:
    """The same, of one transaction."""
    return {each: _current(connection, each) for each in (CORE, *lineages(connection))}


def lineages(connection: Connection) -> list[str]:
    """The plugins that have a lineage in this database, whether they are loaded or not."""
    names = inspect(connection).get_table_names()
    prefix = f"{_VERSIONS}_"
    return [each.removeprefix(prefix) for each in names if each.startswith(prefix)]


def orphans(recorded: Iterable[str]) -> list[str]:
    """Those plugins of a database that are not installed any more."""
    return sorted({*recorded} - {CORE, *[each.name for each in discover()]})


def version_table(plugin: str) -> str:
    """Where the database keeps how far the lineage of a plugin has come."""
    return _VERSIONS if plugin == CORE else f"{_VERSIONS}_{plugin}"


def is_version_table(name: str) -> bool:
    """Whether a table is one of these."""
    return name.startswith(_VERSIONS)


def has_lineage(plugin: LoadedPlugin) -> bool:
    """Whether a plugin brings migrations."""
    versions = versions_of(plugin)
    return versions is not None and versions.is_dir()


def versions_of(plugin: LoadedPlugin) -> Path | None:
    """Where the migrations of a plugin are, or will be; None where it is no package."""
    if plugin.name == CORE:
        return scripts() / "versions"
    return plugin.package and plugin.package / "migrations" / "versions"


def scripts() -> Path:
    """What runs migrations: the folder of the repository, or else its copy in the wheel."""
    beside = _PRODUCT.parent
    return beside / "migrations" if (beside / "alembic.ini").is_file() else _PRODUCT / "_migrations"


def _current(connection: Connection, plugin: str) -> str | None:
    name = version_table(plugin)
    if not inspect(connection).has_table(name):
        return None
    said: str | None = connection.scalar(select(column("version_num")).select_from(table(name)))
    return said


def _revisions(plugin: str, versions: Path) -> list[str]:
    """The migrations of a plugin as they follow each other."""
    after: dict[str | None, str] = {}
    for file in sorted(versions.glob("[!_.]*.py")):
        said = _said(file)
        if "revision" not in said:
            continue
        before, revision = said.get("down_revision"), said["revision"]
        if before in after:
            raise SetupError(
                f"Two migrations of the plugin {plugin} follow {before or 'nothing'}: "
                f"{after[before]} and {revision}; have one of them follow the other."
            )
        after[before] = revision
    found: list[str] = []
    before = None
    while before in after:
        found.append(before := after.pop(before))
    for before, revision in after.items():
        raise SetupError(
            f"The migration {revision} of the plugin {plugin} follows {before}, which is none of "
            "its migrations."
        )
    return found


def _said(file: Path) -> Mapping[str, str]:
    """What a migration says of itself, without running it."""
    said = {}
    for name, value in _SAID.findall(file.read_text("utf-8")):
        try:
            said[name] = literal_eval(value.strip())
        except (SyntaxError, ValueError):
            raise SetupError(f"The {name} of {file} is not written as a text.") from None
    return said

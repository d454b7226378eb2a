"""One lineage of migrations per plugin, each with a version table of its own."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations.ops import CreateTableOp
from alembic.runtime.migration import MigrationContext

from crmkit.host import append_only
from crmkit.host.connections import PATIENCE, Patience, alone, connected
from crmkit.host.discovery import discover, imported
from crmkit.host.lineages import (
    Lineage,
    has_lineage,
    is_version_table,
    lineages,
    scripts,
    standing,
    standings,
    version_table,
    versions_of,
)
from crmkit.host.tables import CORE, belongs, tables_of
from crmkit.store.column_types import Choice, Code, Json, UtcDateTime
from crmkit.store.database import Base
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.runtime.environment import EnvironmentContext
    from sqlalchemy import Connection

    from crmkit.host.discovery import Available
    from crmkit.host.loaded import Loaded

FIELD_TABLES = frozenset({"customer_field", "customer_field_definition"})
"""Made from what a company defines, not from models; no lineage has them."""


def upgrade(url: str, loaded: Loaded, patience: Patience = PATIENCE) -> list[Lineage]:
    """Brings every lineage to its head, the core's first, and returns those that moved.

    Each moves in one transaction, so whoever is killed has moved some and left the others as
    they were. Of several who upgrade at once, one does it and the others find it done.

    What stands where it should gets the triggers that a version before may not have known.

    Needs no running event loop; a coroutine calls it with `asyncio.to_thread`.

    Raises:
        SetupError: A plugin declares tables and brings no migrations, a newer version has made
            tables, or others have held them for too long.
    """
    _check_lineages(loaded)
    moved = []
    found = alone(url, partial(standings, loaded), patience)
    for each in found:
        _check_known(each)
    for each in [each for each in found if each.pending]:
        config = _config(url, each.plugin, versions_of(loaded[each.plugin]))
        config.attributes["patience"] = patience
        command.upgrade(config, "head")
        if config.attributes["moved"]:
            moved.append(each)
    tables = [table for each in loaded.plugins for table in each.tables]
    alone(url, lambda connection: append_only.guard(connection, tables), patience)
    return moved


def downgrade(url: str, loaded: Loaded, plugin: str, to: str = "base") -> None:
    """Takes one lineage back; at `base` nothing is left of it."""
    config = _config(url, plugin, versions_of(loaded[plugin]), command.downgrade)
    command.downgrade(config, to)


def take_back(url: str, available: Available) -> None:
    """Takes the lineage of an installed plugin to base, without importing its models.

    Raises:
        SetupError: Its migrations cannot be taken back.
    """
    versions = _beside(available)
    if versions is None or not versions.is_dir():
        return
    try:
        config = _config(url, available.name, versions, command.downgrade)
        command.downgrade(config, "base")
    except Exception as error:  # What a stranger's migration raises can be anything.
        raise SetupError(
            f"The migrations of {available.name} cannot be taken back, {type(error).__name__}: "
            f"{error}; uninstall {available.distribution}, and its tables are dropped as they are."
        ) from error


def revision(url: str, loaded: Loaded, plugin: str, message: str) -> Path | None:
    """Writes the migration from a plugin's tables as they stand to its models, if they differ.

    Raises:
        SetupError: The plugin does not run, is one file, or the database is behind it.
    """
    if plugin not in loaded:
        raise SetupError(
            f"No plugin {plugin} runs here; install it, and name it in [plugins] enabled."
        )
    versions = versions_of(loaded[plugin])
    if versions is None:
        raise SetupError(f"The plugin {plugin} is one file; make it a package to give it tables.")
    versions.mkdir(parents=True, exist_ok=True)
    if connected(url, lambda connection: standing(connection, loaded[plugin]).pending):
        raise SetupError(f"The database is behind the migrations of {plugin}; upgrade it first.")
    config = _config(url, plugin, versions)
    made: Any = command.revision(config, message, autogenerate=True)
    return Path(made.path) if made else None


def unguarded(url: str, loaded: Loaded) -> list[str]:
    """Lists the append-only tables whose triggers are missing or not what they should be."""
    tables = [table for each in loaded.plugins for table in each.tables]
    return connected(url, lambda connection: append_only.unguarded(connection, tables))


def differences(url: str, plugin: str) -> list[Any]:
    """Lists what distinguishes a plugin's tables from its models; nothing, after an upgrade."""

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts=_options(connection, plugin))
        return list(compare_metadata(context, Base.metadata))

    return connected(url, compare)


# -- called by migrations/env.py ------------------------------------------------------


def import_models(plugin: str) -> None:
    """Imports the tables of an installed plugin, enabled or not."""
    for each in discover():
        if each.name == plugin:
            imported(each)


def run(context: EnvironmentContext) -> None:
    """Runs the migrations of one plugin in one transaction, and guards what never changes."""
    given = context.config.attributes
    plugin, url = given["plugin"], given["url"]

    def migrate(connection: Connection) -> None:
        given["moved"] = moved = []
        context.configure(
            connection,
            **_options(connection, plugin),
            process_revision_directives=_number,
            on_version_apply=lambda step, **_: moved.append(step.up_revision_id),
        )
        with context.begin_transaction():
            if _goes_back(context.config):
                append_only.release(connection, partial(_is_of, plugin))
            context.run_migrations()
            append_only.guard(connection, tables_of(plugin))

    alone(url, migrate, given.get("patience", PATIENCE))


def _goes_back(config: Config) -> bool:
    """Whether this is a downgrade, asked for by us or by alembic's own command."""
    does, *_ = getattr(config.cmd_opts, "cmd", None) or [None]
    return does is command.downgrade


def _is_of(plugin: str, table: str) -> bool:
    """Whether a table is of a plugin whose models may not be imported."""
    return belongs(table, plugin) or any(each.name == table for each in tables_of(plugin))


def _number(context: MigrationContext, given: Any, directives: list[Any]) -> None:
    """Numbers migrations as they follow each other, and writes none that does nothing."""
    [made] = directives
    asked = context.config.cmd_opts if context.config else None
    if made.upgrade_ops.is_empty() and getattr(asked, "autogenerate", False):
        directives.clear()
        return
    for each in (*made.upgrade_ops.ops, *made.downgrade_ops.ops):
        if isinstance(each, CreateTableOp):
            each.info = {}  # What we note on a table is no part of a migration, nor valid in one.
    before = context.get_current_revision()
    made.rev_id = f"{int(before or 0) + 1:04d}"


def _options(connection: Connection, plugin: str) -> dict[str, Any]:
    own = {each.name for each in tables_of(plugin)}
    others = [name for name in lineages(connection) if name != plugin]

    def ours(name: str) -> bool:
        if plugin != CORE:
            return name in own or belongs(name, plugin)
        stranger = is_version_table(name) or any(belongs(name, each) for each in others)
        return name in own or not (stranger or name in FIELD_TABLES)

    def include(item: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
        # Of what is not in the database, only the models of this plugin count.
        return kind != "table" or (ours(str(name)) if reflected else name in own)

    return {
        "target_metadata": Base.metadata,
        "version_table": version_table(plugin),
        "include_object": include,
        "render_item": _rendered,
        "render_as_batch": connection.dialect.name == "sqlite",
        "transactional_ddl": True,
    }


def _rendered(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Writes our column types as what plugins call them."""
    if kind == "type" and isinstance(item, Choice):
        return "sdk.Code()"  # What it is stored as; a migration outlives the choices of today.
    if kind == "type" and isinstance(item, Code | UtcDateTime | Json):
        return f"sdk.{type(item).__name__}()"
    return False


# -- what alembic is told -------------------------------------------------------------


def _check_lineages(loaded: Loaded) -> None:
    for each in loaded.plugins:
        if each.tables and not has_lineage(each):
            raise SetupError(
                f"The plugin {each.name} declares the table {each.tables[0].name}, but no migration "
                f"makes it; run crmkit db revision --plugin {each.name}."
            )


def _check_known(lineage: Lineage) -> None:
    if not lineage.pending and lineage.current != lineage.head:
        raise SetupError(
            f"The tables of {lineage.plugin} are at {lineage.current}, which no migration here "
            "knows: a newer version has made them. Install that version, or restore a backup."
        )


def _config(
    url: str, plugin: str, versions: Path | None, does: Callable[..., None] = command.upgrade
) -> Config:
    # As alembic's own command line says what it has been asked for.
    config = Config(cmd_opts=Namespace(quiet=True, autogenerate=True, cmd=(does,)))
    config.set_main_option("script_location", _escaped(scripts()))
    config.set_main_option("path_separator", "os")
    if versions:
        config.set_main_option("version_locations", _escaped(versions))
    config.attributes.update(url=url, plugin=plugin)
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def _beside(available: Available) -> Path | None:
    """Where the migrations are of a plugin that is installed and not imported: its package is."""
    package = available.entry_point.module.rpartition(".")[0]
    found = find_spec(package) if package else None
    return Path(found.origin).parent / "migrations" / "versions" if found and found.origin else None

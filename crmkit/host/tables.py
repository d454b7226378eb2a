"""Which table belongs to which plugin: its name says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.store.database import Base, Record, table_of
from crmkit.values import ids
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import ModuleType

    from sqlalchemy import Table

CORE = "core"


def belongs(table: str, plugin: str) -> bool:
    """Whether a table is a plugin's by its name."""
    return table == plugin or table.startswith(f"{plugin}_")


def tables_of(plugin: str) -> list[Table]:
    """The imported tables of a plugin; the core's are those that the product itself declares."""
    return [
        each
        for each in Base.metadata.sorted_tables
        if (_is_core(each) if plugin == CORE else belongs(each.name, plugin) and not _is_core(each))
    ]


def shown_tables(module: ModuleType | None) -> set[Table]:
    """The tables of the models that a plugin's api.py shows to others."""
    found = vars(module).values() if module else ()
    return {
        table_of(each)
        for each in found
        if isinstance(each, type) and issubclass(each, Base) and hasattr(each, "__table__")
    }


def check_name(plugin: str, others: Collection[str]) -> None:
    """Refuses a name whose tables could not be told from another plugin's or the core's.

    Raises:
        SetupError: The name, followed by `_`, begins another's, or the other way round.
    """
    for other in others:
        if other != plugin and (belongs(other, plugin) or belongs(plugin, other)):
            raise SetupError(
                f"The plugins {plugin} and {other} cannot be told apart by their tables, because "
                "one name begins the other's; rename one of them."
            )
    for table in tables_of(CORE):
        if belongs(table.name, plugin):
            raise SetupError(
                f"The plugin {plugin} would own the core's table {table.name} by its name; "
                f"rename the plugin."
            )


def check_tables(plugin: str, home: str, others: Collection[str]) -> None:
    """Refuses tables of a plugin whose names are not its own.

    Args:
        plugin: Its name.
        home: The package or module that its models are declared in.
        others: The names of the plugins around it.

    Raises:
        SetupError: A table that it declares has the name of another's, or cannot be the
            prefix of an id.
    """
    for table in _declared_in(home):
        if not belongs(table.name, plugin):
            owner = next((each for each in others if belongs(table.name, each)), None)
            whose = f"which is {owner}'s by its name" if owner else "which is nobody's by its name"
            raise SetupError(
                f"The plugin {plugin} takes the table {table.name}, {whose}; "
                f"call it {plugin}_{table.name.removeprefix(f'{owner}_')}."
            )
        record = issubclass(table.info["model"], Record)
        if record and ids.prefix_of(ids.new_id(table.name)) != table.name:
            raise SetupError(
                f"The table {table.name} of the plugin {plugin} cannot be the prefix of an id; "
                "use small letters and _ in its name."
            )


def _is_core(table: Table) -> bool:
    return _module(table).partition(".")[0] == "crmkit"


def _declared_in(home: str) -> Iterator[Table]:
    for table in Base.metadata.sorted_tables:
        if _module(table) == home or _module(table).startswith(f"{home}."):
            yield table


def _module(table: Table) -> str:
    model = table.info.get("model")
    return model.__module__ if model else ""

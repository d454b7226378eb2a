"""What is left of a row when a person is forgotten, as its columns declare it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Text

from crmkit.store.column_types import Code, Json
from crmkit.store.database import Base, personal_columns, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def emptied(model: type[Base]) -> dict[Any, Any]:
    """What the personal columns of a row hold afterwards, by their attributes."""
    own = [each for each in personal_columns(table_of(model)) if "companion_of" not in each.info]
    return named(model, {each.name: nothing(each) for each in own})


def nothing(column: Column[Any]) -> Any:
    """What a personal column holds when the person is forgotten.

    Raises:
        TypeError: It has to hold something, and nobody has said what.
    """
    if column.nullable:
        return None
    for name in ("erased", "default"):
        if (said := column.info.get(name)) is not None:
            return said
    if isinstance(column.type, Json):
        return {}
    if isinstance(column.type, Text | Code) and not column.unique:
        return ""
    raise TypeError(
        f"{column} is personal and never empty; let it be null, or say column(erased=…)."
    )


def named(model: Any, values: Mapping[str, Any]) -> dict[Any, Any]:
    """Values by the attributes of a model instead of by the names of columns."""
    names = {each.name: attribute for attribute, each in model.__mapper__.columns.items()}
    return {getattr(model, names[name]): value for name, value in values.items()}

"""What a declared field leaves open, and what no declaration of one may say."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

from strawberry.types.base import StrawberryOptional

from crmkit.engine import fields as f
from crmkit.engine.entity import keys_to
from crmkit.store.database import table_of
from crmkit.store.reach import is_scoped, scope_of
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

    from crmkit.engine.nodes import NodeSpec
    from crmkit.store.database import Record


def is_required(field: f.Declared) -> bool:
    """Whether a field is never null."""
    return not isinstance(field.type, StrawberryOptional)


def own_attribute(spec: NodeSpec, field: f.Declared) -> f.Attribute:
    """The attribute of the own model that has the name of a field."""
    found = getattr(spec.model, field.python_name, None)
    if found is None:
        raise SetupError(
            f"{spec.name}.{field.python_name} is no column of {table_of(spec.model).name}; "
            "say where its value comes from."
        )
    return cast("f.Attribute", found)


def only_key(holder: type[Record], target: Table, field: f.Declared) -> f.Attribute:
    """The one foreign key of `holder` that points to `target`."""
    found = keys_to(table_of(holder), target)
    named = [each for each in found if each.name == f"{field.python_name}_id"]
    if len(chosen := named or found) != 1:
        raise SetupError(
            f"{field.python_name}: {len(found)} columns of {table_of(holder).name} point to {target.name}; "
            "say which one."
        )
    return cast("f.Attribute", getattr(holder, chosen[0].name))


def column_doc(field: f.Declared) -> str | None:
    """What the column of a field says of itself."""
    if isinstance(field.source, f.FromColumn | f.FromSide):
        return f.own_column(field).doc
    return None


def check_nullability(spec: NodeSpec, field: f.Declared) -> None:
    """Refuses a non-null field over what can be null or can fail."""
    source = field.source
    required = is_required(field)
    if isinstance(source, f.FromColumn | f.FromSide) and required and f.own_column(field).nullable:
        raise SetupError(
            f"{spec.name}.{field.python_name} is non-null, but its column can be null; add `| None`."
        )
    if isinstance(source, f.Called | f.AnyNode) and required:
        raise SetupError(
            f"{spec.name}.{field.python_name} can fail on its own and must be nullable; add `| None`."
        )


def check_async(spec: NodeSpec, field: f.Declared) -> None:
    """Refuses a function that would hold up everybody."""
    source = field.source
    if isinstance(source, f.Called) and not inspect.iscoroutinefunction(source.function):
        raise SetupError(
            f"{spec.name}.{field.python_name} is answered by {source.function.__qualname__}, which is no "
            "`async def` and would hold up everybody else; make it one, or a field of sdk.computed."
        )


def check_to_one(spec: NodeSpec, field: f.Declared, key: Column[Any], target: Table) -> None:
    """Refuses a non-null relation to what may not be there."""
    required = is_required(field)
    own = table_of(spec.model)
    if required and key.nullable:
        raise SetupError(
            f"{spec.name}.{field.python_name} is non-null, but {key} can be null; add `| None`."
        )
    hideable = is_scoped(target) and key.name not in scope_of(own).keys
    if required and hideable:
        raise SetupError(
            f"{spec.name}.{field.python_name} is non-null, but its record can be hidden by a scope that "
            f"{own.name} does not share; add `| None`."
        )

"""What a company's own fields are to a client: fields of Customer, and an input of them."""

from __future__ import annotations

import dataclasses
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from crmkit.customers.errors import UnknownField, WrongKindOfValue
from crmkit.customers.models import field_model
from crmkit.customers.types.inputs import CreateCustomer, UpdateCustomer, UpsertCustomer
from crmkit.customers.types.nodes import Customer
from crmkit.engine.fields import computed, side
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.engine.mutations import InputExtension
from crmkit.engine.nodes import extend
from crmkit.settings import Organisation  # noqa: TC001  read at run time
from crmkit.store.database import table_of
from crmkit.values import checks
from crmkit.values.custom_fields import CustomField, FieldKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Table

    from crmkit.host.context import Context
    from crmkit.values.errors import Problem


def field_parts(fields: Sequence[CustomField]) -> Iterator[Any]:
    """What these definitions add to the schema; nothing where there are none."""
    if fields:
        yield _extension(fields)
        for each in (CreateCustomer, UpdateCustomer, UpsertCustomer):
            yield SimpleNamespace(__input_extension__=InputExtension(field_input(fields), each))


def field_table(fields: Sequence[CustomField]) -> Table:
    """The table that holds the values of these fields."""
    return table_of(field_model(fields))


@cache
def field_input(fields: Sequence[CustomField]) -> type:
    """The input of these fields, the same whether a customer is new or known."""

    def check(self: Any) -> None:
        checks.check(*[_faults(each, getattr(self, each.attribute)) for each in fields])

    return dataclasses.make_dataclass(
        "CustomerFieldsInput",
        [_input_field(each) for each in fields],
        frozen=True,
        namespace={
            "__module__": __name__,
            "__doc__": "Values of the organisation's own fields; what is left out stays.",
            "__post_init__": check,
        },
    )


def own_fields(context: Context[Any], /, **values: Any) -> object:
    """What an input from code says of the organisation's own fields, by their keys in crmkit.toml.

    Give it to `sdk.extended`, beside the input of a customer.

    Raises:
        UnknownField: The organisation has defined no such field.
        Invalid: A value is none of its field.
    """
    fields = context.host.settings.fields.of_customers
    known = {each.key: each for each in fields}
    for key, value in values.items():
        if key not in known:
            raise UnknownField(key, known)
        if value is not None and type(value) is not known[key].python_type:
            raise WrongKindOfValue(key, known[key].python_type.__name__)
    said = {known[key].attribute: value for key, value in values.items()}
    made: object = field_input(fields)(**said)
    return made


def _extension(fields: Sequence[CustomField]) -> type:
    model: Any = field_model(fields)
    held: dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
    for each in fields:
        value = getattr(model, each.attribute)
        kind: Any = each.python_type
        held[each.attribute] = made = side(value, description=each.description)
        made.graphql_name = each.graphql_name
        held["__annotations__"][each.attribute] = kind if each.always else kind | None
        if each.kind is FieldKind.CHOICE:
            held[f"{each.key}__label"] = named = computed(_label_of(each), value)
            named.graphql_name = f"{each.graphql_name}Label"
            held["__annotations__"][f"{each.key}__label"] = str if each.always else str | None
    return extend(Customer)(type("CustomerFields", (), held))


def _label_of(field: CustomField) -> Callable[..., Any]:
    def label(
        choice: str | None, *, locale: str | None = None, organisation: Organisation
    ) -> str | None:
        return None if choice is None else field.label_of(choice, locale, organisation.locale)

    label.__doc__ = (
        f"What people call `{field.graphql_name}`, in this locale or the organisation's."
    )
    return label


def _input_field(field: CustomField) -> tuple[str, Any, Any]:
    kind: Any = field.python_type
    # Of what every new customer needs, a known one cannot be rid.
    hint = kind | Unset if field.required else kind | Unset | None
    metadata = {"description": field.description, "name": field.graphql_name}
    return field.attribute, hint, dataclasses.field(default=UNSET, metadata=metadata)


def _faults(field: CustomField, value: Any) -> Iterator[Problem]:
    if value is not UNSET and value is not None:
        yield from field.faults(value)

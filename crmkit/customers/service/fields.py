"""What companies want to know of customers: checked, compared and written with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.customers import errors, models, repository, types
from crmkit.engine.mutations import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmkit.host.context import Context
    from crmkit.host.drafts import Draft
    from crmkit.values.custom_fields import CustomField

    Drafts = Sequence[Draft[Any, models.Customer]]
    Values = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """The values of a customer's fields by attribute, and those among them that are news."""

    values: Values
    changed: Collection[str]


def first_fields(context: Context[Any], drafts: Drafts) -> list[Known]:
    """Finds the values of new customers; whoever lacks one that everybody needs is rejected."""
    fields = context.host.settings.fields.of_customers
    if not fields:
        return [Known({}, ())] * len(drafts)
    return [_first(context, each, fields) for each in drafts]


async def field_news(context: Context[Any], drafts: Drafts) -> dict[str, Known]:
    """Finds what is to change of the fields of customers, by their ids."""
    fields = context.host.settings.fields.of_customers
    said = {each.row.id: _said(each, fields) for each in drafts}
    asked = {id_: values for id_, values in said.items() if values}
    if not asked:
        return {}
    there = await repository.fields(context, models.field_model(fields), asked)
    found = {}
    for id_, values in asked.items():
        before = there.get(id_) or _nothing(fields)
        changed = {name for name, value in values.items() if value != before[name]}
        found[id_] = Known({**before, **values}, changed)
    return found


def write_first_fields(context: Context[Any], drafts: Drafts, found: Sequence[Known]) -> None:
    """Writes the fields of new customers who have any."""
    pairs = zip(drafts, found, strict=True)
    news = {each.row.id: known for each, known in pairs if known.changed}
    _write(context, news, [each for known in found[:1] for each in known.values])


def write_fields(context: Context[Any], found: Mapping[str, Known]) -> list[str]:
    """Writes what has changed, and names it as events do."""
    columns = {name for known in found.values() for name in known.changed}
    _write(context, {id_: known for id_, known in found.items() if known.changed}, columns)
    fields = context.host.settings.fields.of_customers
    return [f"fields.{each.key}" for each in fields if each.attribute in columns]


def _write(context: Context[Any], news: Mapping[str, Known], columns: Collection[str]) -> None:
    if not news:
        return
    model: Any = models.field_model(context.host.settings.fields.of_customers)
    # All rows name the same columns, so that one statement carries them; their customers
    # are locked, so what is written again is what stands there.
    rows = [_row(model, id_, known.values) for id_, known in news.items()]
    taken = [getattr(model, each) for each in sorted(columns)]
    context.write.upsert(model, rows, key=model.customer_id, set=taken)


def _row(model: Any, id_: str, values: Values) -> Any:
    row = model(customer_id=id_)
    for name, value in values.items():
        setattr(row, name, value)
    return row


def _first(context: Context[Any], draft: Draft[Any, Any], fields: Sequence[CustomField]) -> Known:
    values = {**_defaults(fields), **_said(draft, fields)}
    for each in fields:
        if each.required and values[each.attribute] is None:
            context.reject(draft, errors.FieldNeeded(each.graphql_name))
    return Known(values, {name for name, value in values.items() if value is not None})


def _said(draft: Draft[Any, Any], fields: Sequence[CustomField]) -> dict[str, Any]:
    """What the client says about fields; a text of blanks says that there is none."""
    if not fields:
        return {}
    given = draft.extension(types.field_input(fields))
    said = {each.attribute: getattr(given, each.attribute, UNSET) for each in fields}
    return {
        name: (value.strip() or None) if isinstance(value, str) else value
        for name, value in said.items()
        if value is not UNSET
    }


def _nothing(fields: Sequence[CustomField]) -> dict[str, Any]:
    """The values of a customer who has no row yet."""
    return {each.attribute: each.default if each.always else None for each in fields}


def _defaults(fields: Sequence[CustomField]) -> dict[str, Any]:
    return {each.attribute: each.default for each in fields}

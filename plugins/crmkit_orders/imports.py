"""Files of orders: a line is an order, perhaps of a customer whom nobody knows yet."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from crmkit import sdk
from crmkit_orders import repository
from crmkit_orders.service import record_orders
from crmkit_orders.types import RecordOrder, RecordOrderLine

if TYPE_CHECKING:
    from collections.abc import Sequence


def _day(text: str) -> date:
    # Pydantic would take 19970131 for seconds, and the order for one of the year 1970.
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day like 1997-01-31") from None


class OrderLine(BaseModel):
    """A line of such a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    customer: Annotated[str, Field(min_length=1, max_length=200)]
    date: Annotated[date, BeforeValidator(_day)]
    quantity: Annotated[int, Field(ge=1, lt=2**31)]
    amount: Annotated[Decimal, Field(ge=0, validation_alias=AliasChoices("amount", "amount_usd"))]


Row = sdk.ImportedRow[OrderLine]


async def import_orders(
    context: sdk.Context, rows: Sequence[Row], options: sdk.ImportOptions
) -> sdk.ImportResult:
    """Records the orders that are not here yet, and the customers whom they need."""
    # What is known is skipped before anything else, so that a second run only reads.
    orders = {}
    for row in rows:
        amount = sdk.Money.of(row.value.amount, options.currency)
        orders[_external_id(row, amount, options)] = row.value, amount
    recorded = await context.rules(repository.recorded(options.source, [*orders]))
    for (external_id,) in recorded:
        del orders[str(external_id)]
    customer_ids = await _customers(
        context, options.source, {line.customer for line, _ in orders.values()}
    )
    # A day of the file is a day of the organisation's.
    zone = ZoneInfo(context.organisation.zone)
    await record_orders(
        context,
        [
            RecordOrder(
                customer_id=customer_ids[line.customer],
                lines=(RecordOrderLine(amount=amount, quantity=line.quantity),),
                placed_at=datetime.combine(line.date, time(), zone),
                source=options.source,
                external_id=external_id,
            )
            for external_id, (line, amount) in orders.items()
        ],
    )
    return sdk.ImportResult(created=len(orders), unchanged=len(recorded))


def _external_id(row: Row, amount: sdk.Money, options: sdk.ImportOptions) -> str:
    """Names an order whose file does not: the same line has the same id when it comes again."""
    line = row.value
    said = (options.source, line.customer, line.date.isoformat(), line.quantity)
    # A digest, because the customer's id in it would have to be erased with the customer.
    return sha256(repr((*said, amount.minor, amount.currency, row.nth)).encode()).hexdigest()[:32]


async def _customers(context: sdk.Context, source: str, names: set[str]) -> dict[str, str]:
    """The ids of these customers of the source; whoever is new gets the name it has there."""
    if not names:
        return {}
    known = dict(await context.rules(repository.customers(source, sorted(names))))
    new = sorted(names - known.keys())
    if new:
        made = await sdk.customers.create(
            context,
            [
                sdk.CreateCustomer(
                    name=each,
                    name_is_placeholder=True,
                    external_ids=(sdk.ExternalId(source=source, external_id=each),),
                    source=source,
                )
                for each in new
            ],
        )
        # Nobody is asked who they are: what waits to be written can wait for the orders.
        known |= {name: sdk.id_of(each.customer) for name, each in zip(new, made, strict=True)}
    return known

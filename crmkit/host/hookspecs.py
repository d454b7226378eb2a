"""Every hook of the core on one page; each is called in the unit, with one draft or many.

`before_…` hooks run before the write and may refuse a draft or change its row; the others
run after it and add what belongs to it. What must not break the write is an event handler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.host.dispatch import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.customers.models import Customer, CustomerAlias, StageStay
    from crmkit.customers.types import (
        CreateCustomer,
        DeleteCustomer,
        MergeCustomers,
        MoveCustomer,
        RestoreCustomer,
        UpdateCustomer,
    )
    from crmkit.host.context import Context
    from crmkit.host.drafts import Draft
    from crmkit.host.exports import Export
    from crmkit.interactions.models import Interaction
    from crmkit.interactions.types import RecordInteraction


@hookspec
async def before_customers_create(
    context: Context[Any], drafts: Sequence[Draft[CreateCustomer, Customer]]
) -> None:
    """Changes or refuses customers before they are made."""


@hookspec
async def customers_created(
    context: Context[Any], drafts: Sequence[Draft[CreateCustomer, Customer]]
) -> None:
    """Adds what belongs to new customers."""


@hookspec
async def before_customers_update(
    context: Context[Any], drafts: Sequence[Draft[UpdateCustomer, Customer]]
) -> None:
    """Refuses changes of customers before they are made."""


@hookspec
async def customers_updated(
    context: Context[Any], drafts: Sequence[Draft[UpdateCustomer, Customer]]
) -> None:
    """Adds what follows from changes of customers."""


@hookspec
async def before_customers_delete(
    context: Context[Any], drafts: Sequence[Draft[DeleteCustomer, Customer]]
) -> None:
    """Refuses that customers are deleted."""


@hookspec
async def customers_deleted(
    context: Context[Any], drafts: Sequence[Draft[DeleteCustomer, Customer]]
) -> None:
    """Adds what follows when customers are deleted."""


@hookspec
async def customers_restored(
    context: Context[Any], drafts: Sequence[Draft[RestoreCustomer, Customer]]
) -> None:
    """Adds what follows when deleted customers come back."""


@hookspec
async def before_customers_merge(
    context: Context[Any], drafts: Sequence[Draft[MergeCustomers, CustomerAlias]]
) -> None:
    """Refuses that customers are merged, or ends what only one of them can have.

    A row says whose id (`alias_id`) becomes whose (`customer_id`).
    """


@hookspec
async def customers_merged(
    context: Context[Any], drafts: Sequence[Draft[MergeCustomers, CustomerAlias]]
) -> None:
    """Adds what follows when customers have become one; all rows are the winner's by then."""


@hookspec
async def before_customers_move(
    context: Context[Any], drafts: Sequence[Draft[MoveCustomer, StageStay]]
) -> None:
    """Refuses that customers move to another stage."""


@hookspec
async def customers_moved(
    context: Context[Any], drafts: Sequence[Draft[MoveCustomer, StageStay]]
) -> None:
    """Adds what follows when customers have moved to another stage."""


@hookspec
async def export_customer(context: Context[Any], customer_id: str, export: Export) -> None:
    """Adds what lies outside the database of somebody who asks what is known of them."""


@hookspec
async def erase_customer(context: Context[Any], customer_id: str) -> None:
    """Forgets what lies outside the database of somebody; may be called more than once."""


@hookspec
async def before_interactions_record(
    context: Context[Any], drafts: Sequence[Draft[RecordInteraction, Interaction]]
) -> None:
    """Changes or refuses interactions before they are recorded."""


@hookspec
async def interactions_recorded(
    context: Context[Any], drafts: Sequence[Draft[RecordInteraction, Interaction]]
) -> None:
    """Adds what follows from recorded interactions."""

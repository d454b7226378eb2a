"""Somebody who was erased comes back, because they want to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.customers.service.suppressions import lift
from crmkit.engine.mutations import mutation
from crmkit.host.context import Context
from crmkit.privacy import types
from crmkit.values.contacts import email_address, phone_number
from crmkit.values.errors import Failure, Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@mutation(permission="core.suppression.lift")
async def lift_suppressions(
    context: Context[Any], input: types.LiftSuppressions
) -> types.LiftedSuppressions:
    """Lets somebody be entered again who was erased and has asked for it themselves."""
    region = context.organisation.phone_region
    lifted = await lift(
        context,
        emails=list(_normal("emails", input.emails, email_address)),
        phones=list(_normal("phones", input.phones, lambda each: phone_number(each, region))),
        external_ids=[(each.source, each.external_id) for each in input.external_ids],
    )
    if not lifted:
        # Whoever tries whether somebody was here once is remembered as well.
        context.unit.remark()
    return types.LiftedSuppressions(lifted)


def _normal(field: str, given: Iterable[str], form: Callable[[str], str]) -> Iterator[str]:
    for index, each in enumerate(given):
        try:
            yield form(each)
        except Failure as failure:
            raise Invalid(str(failure), field=(field, index)) from None

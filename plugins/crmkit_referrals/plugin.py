"""The plugin referrals: what it brings, and what it hears of others."""

from __future__ import annotations

from collections.abc import Sequence

from crmkit import sdk
from crmkit_referrals import models, service, types
from crmkit_referrals.config import Context, ReferralsConfig
from crmkit_referrals.demo import ReferralsDemo


class Referrals(sdk.Plugin):
    """Customers who bring customers, and what both get for it."""

    name = "referrals"
    version = "1.0"
    words = ("referral",)
    requires_sdk = ">=1,<2"
    works_with = ("orders>=1", "loyalty>=1")
    Config = ReferralsConfig
    Demo = ReferralsDemo

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(types.Referral, types.CustomerReferrals, types.OrderReferrals)
        schema.add(types.ReferralsInput, service.issue_referral_code, service.invite_referral)
        schema.add(service.register_referral, service.qualify_referral, service.reward_referral)
        schema.add(service.reject_referral, service.reverse_referral)
        schema.live(
            "referralsChanged",
            types.Referral,
            on=(types.ReferralsRegistered, types.ReferralsQualified, types.ReferralsReversed),
        )
        schema.timeline(types.Referral, at=models.Referral.created_at, summary=types.summary)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("referrals.referral.read", "See who came through whom.")
        permissions.add(
            "referrals.code.issue",
            "Give customers the code that friends name.",
            roles=("manager", "sales", "marketing"),
        )
        permissions.add(
            "referrals.referral.invite",
            "Note whom customers invite.",
            roles=("manager", "sales", "marketing"),
        )
        permissions.add(
            "referrals.referral.register",
            "Say through whom customers came.",
            roles=("manager", "sales", "marketing"),
        )
        permissions.add("referrals.referral.decide", "Let referrals count, or not.")

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(types.ReferralsRegistered, types.ReferralsQualified, types.ReferralsReversed)
        # Not in the unit of the order: whoever records orders does not wait for referrals.
        events.on("orders.OrdersRecorded")(service.orders_recorded)
        events.on("orders.OrdersRefunded")(service.orders_refunded)


@sdk.hook
async def before_customers_merge(
    context: Context, drafts: Sequence[sdk.Draft[sdk.MergeCustomers, sdk.rows.CustomerAlias]]
) -> None:
    await service.end_needless(context, [draft.row for draft in drafts])


@sdk.hook
async def before_customers_create(
    context: Context, drafts: Sequence[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]]
) -> None:
    await service.check_codes(context, drafts)


@sdk.hook
async def customers_created(
    context: Context, drafts: Sequence[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]]
) -> None:
    await service.register_new(context, drafts)

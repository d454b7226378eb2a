"""The statements of referrals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import CTE, Select, exists, literal, select
from sqlalchemy.orm import aliased

from crmkit import sdk
from crmkit_referrals.models import (
    ATTRIBUTED,
    COUNTED,
    Advocate,
    Referral,
    ReferralState,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from crmkit_orders.api import OrderRow, OrderState

Found = tuple[str, str, str | None, ReferralState]


@sdk.statement
def advocates(codes: Collection[str]) -> Select[str | None, str]:
    """Who has these codes and is still a customer."""
    customer = sdk.rows.Customer
    return (
        select(Advocate.code, Advocate.customer_id)
        .join(customer, customer.id == Advocate.customer_id)
        .where(Advocate.code.in_(codes), customer.deleted_at.is_(None))
    )


@sdk.statement
def held(customer_ids: Collection[str]) -> Select[str, str | None, int]:
    """Codes and counts of advocates, held so that nobody counts on beside us."""
    return (
        select(Advocate.customer_id, Advocate.code, Advocate.qualified)
        .where(Advocate.customer_id.in_(customer_ids))
        .order_by(Advocate.customer_id)
        .with_for_update()
    )


@sdk.statement
def locked(customer_ids: Collection[str]) -> Select[str, datetime]:
    """When customers came; held, so that nobody refers them meanwhile."""
    customer = sdk.rows.Customer
    return (
        select(customer.id, customer.created_at)
        .where(customer.id.in_(customer_ids))
        .order_by(customer.id)
        .with_for_update()
    )


@sdk.statement
def chain_of(customer_id: str) -> Select[str]:
    """The customer and everybody through whom they came, one through the other."""
    return select(_above(customer_id).c.id)


def _above(customer_id: str) -> CTE:
    above = select(literal(customer_id, sdk.Code()).label("id")).cte("above", recursive=True)
    # UNION and not UNION ALL, so that it ends whatever the rows say.
    return above.union(
        select(Referral.advocate_id).where(
            Referral.friend_id == above.c.id, Referral.state.in_(ATTRIBUTED)
        )
    )


def root_of(customer_id: str) -> Select[str]:
    """Whoever stands at the beginning of the chain through which a customer came."""
    above = _above(customer_id)
    upper = aliased(Referral)
    came = exists().where(upper.friend_id == above.c.id, upper.state.in_(ATTRIBUTED))
    return select(above.c.id).where(~came)


@sdk.statement
def brought(customer_ids: Collection[str]) -> Select[*Found]:
    """The referrals through which these customers came, held."""
    return (
        _found()
        .where(Referral.friend_id.in_(customer_ids), Referral.state.in_(ATTRIBUTED))
        .order_by(Referral.id)
        .with_for_update()
    )


@sdk.statement
def attributed(customer_id: str) -> Select[str]:
    """The referral through which a customer came."""
    return select(Referral.id).where(
        Referral.friend_id == customer_id, Referral.state.in_(ATTRIBUTED)
    )


@sdk.statement
def addresses(customer_ids: Collection[str]) -> Select[str, str]:
    """The mail addresses of customers."""
    theirs = sdk.rows.CustomerEmail
    return select(theirs.customer_id, theirs.address).where(theirs.customer_id.in_(customer_ids))


@sdk.statement
def numbers(customer_ids: Collection[str]) -> Select[str, str]:
    """The phone numbers of customers."""
    theirs = sdk.rows.CustomerPhone
    return select(theirs.customer_id, theirs.number).where(theirs.customer_id.in_(customer_ids))


@sdk.statement
def invitations(keys: Collection[str]) -> Select[str, str, str | None]:
    """The open invitations that went to these mailboxes, the oldest first."""
    return (
        select(Referral.id, Referral.advocate_id, Referral.email_key)
        .where(Referral.email_key.in_(keys), Referral.state == ReferralState.INVITED)
        .order_by(Referral.id)
        .with_for_update()
    )


@sdk.statement
def of_id(referral_id: str) -> Select[*Found]:
    """A referral, held so that nobody takes the same step."""
    return _found().where(Referral.id == referral_id).with_for_update()


@sdk.statement
def bought(
    order_ids: Collection[str], order: type[OrderRow], kept: OrderState
) -> Select[str, str, str | None, ReferralState, str]:
    """The referrals of whoever placed one of these orders and kept it, the first order first.

    The orders are held as well: a refund comes before this, or after all that follows.
    """
    return (
        _found()
        .add_columns(order.id)
        .join(order, order.customer_id == Referral.friend_id)
        .where(
            order.id.in_(order_ids),
            order.state == kept,
            Referral.state == ReferralState.REGISTERED,
        )
        .order_by(Referral.id, order.placed_at, order.id)
        .with_for_update()
    )


@sdk.statement
def caused_by(cause_ids: Collection[str]) -> Select[*Found]:
    """The referrals that these records qualified, held."""
    return (
        _found()
        .where(Referral.cause_id.in_(cause_ids), Referral.state.in_(COUNTED))
        .order_by(Referral.id)
        .with_for_update()
    )


@sdk.statement
def promised(referral_id: str) -> Select[int, int]:
    """What a referral earned for the advocate and for the friend."""
    return select(Referral.advocate_points, Referral.friend_points).where(
        Referral.id == referral_id
    )


@sdk.statement
def any_order(customer_id: str, order: type[OrderRow]) -> Select[str]:
    """An order of this customer, if there is one."""
    return select(order.id).where(order.customer_id == customer_id).limit(1)


def _found() -> Select[*Found]:
    return select(Referral.id, Referral.advocate_id, Referral.friend_id, Referral.state)

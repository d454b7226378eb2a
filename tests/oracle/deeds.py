"""Mutations of the company, whose payloads are selected like anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any
from unittest.mock import patch

from crmkit.values import ids
from crmkit_orders.models import OrderState
from crmkit_tasks.models import TaskState
from tests.oracle.world import World

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Deed:
    """A mutation, the record in its payload, and what is said to it."""

    mutation: str
    record: str
    given: Callable[[Random, World], Given]


def _customer(random: Random, world: World) -> str:
    return random.choice(sorted(world.by_key["customer"]))


def _update(random: Random, world: World) -> Given:
    source = random.choice(("fair", "Web", None))
    return {"id": _customer(random, world), "name": "Zoë Straße", "source": source}


def _order(random: Random, world: World) -> Given:
    total = {"amount": f"{random.randint(0, 99)}.00", "currency": "EUR"}
    line = {"amount": total, "quantity": 2, "sku": "S1"}
    return {"customerId": _customer(random, world), "total": total, "lines": [line]}


def _refund(random: Random, world: World) -> Given:
    placed = [each.id for each in world.rows["orders_order"] if each["state"] is OrderState.PLACED]
    return {"orderId": random.choice(sorted(placed))}


def _interaction(random: Random, world: World) -> Given:
    customer = _customer(random, world)
    own = world.pointing("interaction", "customer_id", customer)
    cause = own[0].id if own else None
    said = {"channel": "email", "direction": "INBOUND", "kind": "note", "causeId": cause}
    return {"customerId": customer, **said}


def _task(random: Random, world: World) -> Given:
    undone = [each.id for each in world.rows["tasks_task"] if each["state"] is TaskState.OPEN]
    return {"id": random.choice(sorted(undone)), "interaction": {"channel": "phone"}}


DEEDS = (
    Deed("updateCustomer", "customer", _update),
    Deed("recordOrder", "order", _order),
    Deed("refundOrder", "order", _refund),
    Deed("recordInteraction", "interaction", _interaction),
    Deed("completeTask", "task", _task),
    Deed("createCustomer", "customer", lambda *_: {"kind": "PERSON", "name": "李娜", "fields": {}}),
    Deed(
        "openTicket",
        "ticket",
        lambda *given: {"customerId": _customer(*given), "channel": "email", "body": "Help!"},
    ),
    Deed(
        "adjustPoints",
        "entry",
        lambda *given: {"customerId": _customer(*given), "points": "7", "reason": "Oh"},
    ),
)


@contextmanager
def same_ids() -> Iterator[Callable[[], None]]:
    """Makes ids that are the same whenever one begins again, so that both engines stay equal."""
    maker = ids.new_id.__self__  # type: ignore[attr-defined]
    ids.new_id("now")
    *begun, counted = maker._now
    first = next(counted)

    def again() -> None:
        maker._now = *begun, count(first)

    with patch.object(ids, "getrandbits", return_value=0), patch.object(ids.time, "time_ns", int):
        yield again

"""Where a plugin may ask other systems, and where it may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from crmkit import sdk
from crmkit.testing import crm

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio

asked: list[str] = []


def ask(context: sdk.Context, where: str) -> None:
    """Notes whether this context may ask."""
    try:
        asked.append(f"{where} {bool(context.http)}")
    except RuntimeError as error:
        asked.append(f"{where} {str(error).partition(' asks ')[2].partition(',')[0]}")


@dataclass(frozen=True)
class AskAround:
    """A question."""


@dataclass(frozen=True)
class AskedAround:
    """Its answer."""

    done: bool
    """Whether it was asked."""


class Curious(sdk.Plugin):
    """Asks wherever it is."""

    name = "curious"
    version = "1.0"

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(ask_around)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("curious.question.ask", "Ask.")

    def register_jobs(self, jobs: sdk.JobBuilder) -> None:
        jobs.job(look_around)

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.on("core.CustomersCreated")(hear)


@sdk.mutation(permission="curious.question.ask")
async def ask_around(context: sdk.Context, input: AskAround) -> AskedAround:
    """Ask around."""
    ask(context, "mutation")
    ask(context.outside(), "outside a mutation")
    context.enqueue(look_around)
    return AskedAround(done=True)


@sdk.hook
async def customers_created(context: sdk.Context, drafts: Sequence[sdk.Draft[Any, Any]]) -> None:
    ask(context, "hook")


async def hear(context: sdk.Context, event: sdk.CustomersCreated) -> None:
    ask(context.outside(), "outside a handler")


async def look_around(context: sdk.Context) -> None:
    ask(context, "job")
    await sdk.customers.create(context, [sdk.CreateCustomer(name="Grace")])
    await context.read(select(sdk.rows.Customer.id))
    ask(context, "job that has written")


async def test_mutations_and_hooks_ask_nobody_and_jobs_and_handlers_do(engine: str) -> None:
    asked.clear()
    async with crm(Curious, engine=engine) as t:
        await t.gql("mutation { askAround(input: {}) { done } }")
        await t.drain()
    inside = "another system in a mutation or a hook"
    assert asked == [
        f"mutation {inside}",
        f"outside a mutation {inside}",
        "job True",
        f"hook {inside}",
        "job that has written another system while it holds a transaction; read with context.outside() and ask before it writes.",
        "outside a handler True",
    ]

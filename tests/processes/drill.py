"""A plugin whose handler, job and schedule note what they do, and hang or fail when told to.

It is told by files of the folder that its process runs in, because tests kill that process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crmkit import sdk


class Drill(sdk.Plugin):
    """Notes what it does with customers as interactions of theirs."""

    name = "drill"
    version = "1.0"

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.on("core.CustomersCreated")(delivered)

    def register_jobs(self, jobs: sdk.JobBuilder) -> None:
        jobs.job(work)
        jobs.every(seconds=1)(tick)


@sdk.hook
async def customers_created(
    context: sdk.Context[Any],
    drafts: Sequence[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]],
) -> None:
    for each in drafts:
        context.enqueue(work, each.row.id)


async def delivered(context: sdk.Context[Any], event: sdk.CustomersCreated) -> None:
    await _note(context, event.ids, "delivered")


async def work(context: sdk.Context[Any], customer: str) -> None:
    await _note(context, [customer], "worked")


async def tick(context: sdk.Context[Any]) -> None:
    context.log.info("tick")


async def _note(context: sdk.Context[Any], customers: Sequence[str], kind: str) -> None:
    with Path("begun").open("a") as lines:  # noqa: ASYNC230  a line for a test
        lines.write(f"{kind}\n")
    noted = [
        sdk.RecordInteraction(each, "letter", sdk.Direction.INTERNAL, kind) for each in customers
    ]
    await sdk.interactions.record(context, noted)
    while Path("hold").exists():  # noqa: ASYNC110, ASYNC240  until a test kills it or lets it go
        await asyncio.sleep(0.02)
    if Path("fail").exists():  # noqa: ASYNC240
        raise RuntimeError("told to fail")

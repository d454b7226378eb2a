"""A plugin whose work never ends by itself, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crmkit import sdk


class Hang:
    """One piece of work; `began` and `stopped` tell how far it got."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.stopped = asyncio.Event()

    async def __call__(self) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()


HANGS: list[Hang] = []


async def forever(context: sdk.Context, ids: Sequence[str]) -> Mapping[str, str]:
    """Never knows."""
    HANGS.append(Hang())
    await HANGS[-1]()
    return {}


@sdk.extend(sdk.Customer)
class CustomerHanging:
    """What nobody lives to see."""

    hanging: str | None = sdk.batch(forever)


@dataclass(frozen=True)
class HangOn:
    """For how long."""

    name: str
    """Whoever waits."""


@dataclass(frozen=True)
class HungOn:
    """Nobody ever sees this."""

    name: str
    """Whoever waited."""


@sdk.mutation(permission="hanging.thing.hang")
async def hang_on(context: sdk.Context, input: HangOn) -> HungOn:
    """Wait for ever."""
    await Hang()()
    return HungOn(input.name)


class Hanging(sdk.Plugin):
    name = "hanging"
    version = "1.0"
    words = ("hang",)

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(CustomerHanging, hang_on)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("hanging.thing.hang", "Wait.")

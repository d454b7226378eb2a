"""The year of the demo company, lived through from its first day to this moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmkit.app import open_crm
from crmkit.demo.core import CoreDemo
from crmkit.demo.stories import STORIES, Scene, Story
from crmkit.graph.endpoint import GraphQL
from crmkit.host import migrations
from crmkit.host.demo import Demo, DemoPart
from crmkit.values.clock import ManualClock
from crmkit.values.collecting import settled
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.app import Crm
    from crmkit.graph.schema import Schema
    from crmkit.settings import Settings

DAYS = 364
SIZES = {"small": 60, "normal": 2_000, "large": 100_000}
_WEEK = timedelta(days=7)
_STEP = 2 * _WEEK
_JOBS = 2  # steps after which jobs are done, most of which clean up
_AT_THE_BEGINNING = 0.25
_LONG = 60  # seconds that a hook may take

Watch = Callable[[float, Mapping[str, int]], None]
"""Is told how much of the year is over, and how many records there are of each kind."""


@dataclass(frozen=True)
class Told:
    """A story that has come true, and where to look."""

    title: str
    ends: str
    name: str
    id: str


@dataclass(frozen=True)
class Filled:
    """What there is after the year."""

    made: Mapping[str, int]
    stories: tuple[Told, ...]


class Year:
    """A year of a company whose rows all come through its own front door."""

    def __init__(self, crm: Crm, clock: ManualClock, until: datetime, customers: int) -> None:
        self._crm = crm
        self._clock = clock
        self._until = until
        self._customers = customers
        self._endpoint = GraphQL(crm.schema, crm.host)
        zone = ZoneInfo(crm.host.settings.organisation.zone)
        midnight = until.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        self._start = midnight - timedelta(days=DAYS)
        # The same people do the same things in every demo company.
        random = Random(1554)  # noqa: S311  nothing here is a secret
        self.demo = Demo(self._ask, clock, random, zone, _STEP)
        others = [each.manifest.Demo(self.demo) for each in crm.host.loaded.plugins]
        self._core = CoreDemo(self.demo, others)
        self._parts: Sequence[DemoPart] = [self._core, *others]

    async def live(self, watch: Watch) -> Filled:
        """Lives through it, and says what there is then."""
        self._clock.set(self._start)
        await self._core.open()
        self._rehearse()
        steps = timedelta(days=DAYS) // _STEP
        arrivals = iter(self._arrivals())
        for number in range(1, steps + 1):
            end = self._start + number * _STEP if number < steps else self._until
            await self._step(end, next(arrivals), next(arrivals))
            if number % _JOBS == 0 or end == self._until:
                await self._crm.host.drain(due=end == self._until)
            watch(number / steps, self.demo.made)
        return Filled({**self.demo.made}, tuple(self._told()))

    async def _step(self, end: datetime, first: int, second: int) -> None:
        """Two weeks, in each of which customers come; what they do is asked for at the end."""
        self.demo.newcomers = []
        await self._come(end - _STEP + _WEEK, first)
        # What has faded counts the same however late, and each time it would be everybody.
        await self._crm.host.relay.drain(due=False)
        await self._come(end, second)
        for each in self._parts:
            await each.live()
        await self._crm.host.relay.drain(due=False)

    async def _come(self, end: datetime, arrivals: int) -> None:
        """Lets happen what is planned until then, and then has new customers come."""
        for at, action in self.demo.planned(end):
            self._clock.set(at)
            await action()
        self._clock.set(end)
        await self._core.grow(arrivals)

    def _arrivals(self) -> list[int]:
        """How many come in each week: a start with some, then more and more."""
        weeks = timedelta(days=DAYS) // _WEEK
        first = int(self._customers * _AT_THE_BEGINNING)
        weights = [weeks + each for each in range(weeks)]
        reached = [
            round((self._customers - first) * sum(weights[:each]) / sum(weights))
            for each in range(weeks + 1)
        ]
        grown = [after - before for before, after in itertools.pairwise(reached)]
        return [grown[0] + first, *grown[1:]]

    # -- stories ----------------------------------------------------------------------------

    def _rehearse(self) -> None:
        """Puts every scene that can be played on the agenda."""
        acts = {name: each for part in self._parts for name, each in part.acts().items()}
        for story in self._playable():
            for scene in story.scenes:
                if play := acts.get(scene.act):
                    self.demo.later(self._time(scene), partial(self._play, scene, play))

    def _playable(self) -> list[Story]:
        return list(STORIES)

    def _time(self, scene: Scene) -> datetime:
        hour, minute = map(int, scene.time.split(":"))
        day = self._start + timedelta(days=scene.day)
        return day.replace(hour=hour, minute=minute)

    async def _play(self, scene: Scene, play: Callable[..., Any]) -> None:
        who = self.demo.cast.get(scene.who, scene.who)
        await play(who, **scene.said)
        # What follows from it has happened before the next scene.
        await self._crm.host.relay.drain(due=False)

    def _told(self) -> list[Told]:
        loaded = self._crm.host.loaded
        heroes = self.demo.cast
        return [
            Told(each.title, each.ends, heroes[each.hero].name, heroes[each.hero].id)
            for each in STORIES
            if all(plugin in loaded for plugin in each.plugins)
        ]

    async def _ask(self, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        answered = await self._endpoint.execute(document, variables=variables)
        if "errors" in answered:
            raise SetupError(f"The demo cannot be filled: {answered['errors'][0]['message']}")
        data: Mapping[str, Any] = answered["data"]
        return data


async def fill(
    settings: Settings, schema: Schema, customers: int, until: datetime, watch: Watch
) -> Filled:
    """Makes the database of these settings, and lets the company live in it until then."""
    clock = ManualClock(until)
    crm = await open_crm(settings, clock=clock, schema=schema, alone=True)
    try:
        migrations.upgrade(settings.database.url, crm.host.loaded)
        await crm.prepare()
        # Nobody waits for an answer, and a machine may be busy, or stand still.
        crm.host.hooks.limit = _LONG
        # What follows from a step follows at its end, and not while it lasts.
        await crm.host.start(works=False)
        with settled():
            filled = await Year(crm, clock, until, customers).live(watch)
        await crm.host.stop()
        return filled
    finally:
        await crm.close()

"""The one reader of a process, and all who are told of what it reads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from crmkit.graph.live.topic import Topic
from crmkit.store.feed import feed_of
from crmkit.store.notices import Notice
from crmkit.values.waiting import within

if TYPE_CHECKING:
    from collections.abc import Hashable

    from crmkit.graph.live.caller import Subscriber
    from crmkit.graph.live.telling import Telling
    from crmkit.host.host import Host
    from crmkit.store.feed import Happening

_POLL = 1.0  # seconds; a notice may be lost, and commands give none
_AT_ONCE = 4  # answers that are made; whoever asks something shall find connections, too

log = structlog.get_logger("crmkit.graph")


class Hub:
    """Reads what is committed while somebody wants to hear of it, and hands it to the topics."""

    def __init__(self, host: Host, seconds: float) -> None:
        self._feed = feed_of(host.database)
        self._notices = host.notices
        self._seconds = seconds
        self._topics: dict[Hashable, Topic] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_reading(self) -> bool:
        """Whether somebody is there to be told."""
        return self._reading is not None

    async def join(self, telling: Telling, subscriber: Subscriber) -> None:
        """Tells a subscriber of all that is committed from now on."""
        key = telling.wanted.key
        if (topic := self._topics.get(key)) is None:
            topic = self._topics[key] = Topic(telling, self._places, self._seconds)
        topic.members[subscriber] = None
        try:
            async with self._turn:
                await self._begin()
        except BaseException:
            self.leave(key, subscriber)
            raise

    def leave(self, key: Hashable, subscriber: Subscriber) -> None:
        """Tells him no more."""
        topic = self._topics.get(key)
        if topic is not None:
            topic.members.pop(subscriber, None)
            if not topic.members:
                del self._topics[key]

    async def close(self) -> None:
        """Reads and tells no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        for each in [*self._topics.values()]:
            await each.stop()
        self._topics.clear()

    async def _begin(self) -> None:
        if self._reading is None:
            await self._feed.begin()
            self._reading = asyncio.create_task(self._read_while_asked(), name="live answers")

    async def _read_while_asked(self) -> None:
        wake = self._woken.set
        self._notices.on(Notice.EVENTS, wake)
        try:
            while self._topics:
                self._woken.clear()
                await self._read()
                await within(self._woken, _POLL)
        finally:
            self._notices.off(Notice.EVENTS, wake)
            self._reading = None

    def _happened(self, happening: Happening) -> None:
        for topic in [*self._topics.values()]:
            if topic.telling.is_about(happening.name):
                topic.happened(happening)

    async def _read(self) -> None:
        try:
            # Whatever is committed meanwhile wakes us again, so only what came in pages is asked
            # for until there is nothing.
            is_behind = True
            while is_behind:
                found = await self._feed.next()
                is_behind = self._feed.is_behind
                for happening in found:
                    self._happened(happening)
        except Exception:
            log.exception("live answers wait")

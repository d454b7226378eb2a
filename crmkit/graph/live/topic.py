"""All who have asked for the same: one event is read once for those who hear the same."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from crmkit.engine.calls import together
from crmkit.graph.errors import formatted
from crmkit.graph.live.line import json_text
from crmkit.values.errors import Failure, Forbidden, Limited, Timeout, Unauthenticated
from crmkit.values.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from crmkit.engine.live import Occasion
    from crmkit.graph.live.caller import Subscriber
    from crmkit.graph.live.telling import Telling
    from crmkit.host.actors import Actor
    from crmkit.store.feed import Happening

_MOST = 10_000
"""Events that wait to be told; whoever is so far behind hears no more."""

Group = tuple["Actor", list["Subscriber"]]


class Topic:
    """One subscription and all who asked for it; its events are told one after the other.

    Args:
        telling: What it tells.
        places: How many answers of all topics are made at a time.
        seconds: How long one may take.
    """

    def __init__(self, telling: Telling, places: asyncio.Semaphore, seconds: float) -> None:
        self.telling = telling
        self.members: dict[Subscriber, None] = {}
        self._places, self._seconds = places, seconds
        self._waiting: deque[Happening] = deque()
        self._work: asyncio.Task[None] | None = None

    def happened(self, happening: Happening) -> None:
        """Has an event told, in its turn."""
        self._waiting.append(happening)
        if len(self._waiting) > _MOST:
            self._waiting.clear()
            self._end(list(self.members), Limited("More happens than can be told; ask again."))
        elif self._work is None:
            self._work = asyncio.create_task(self._until_told(), name="tell of events")

    async def stop(self) -> None:
        """Tells no more."""
        self._waiting.clear()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _until_told(self) -> None:
        try:
            while self._waiting and self.members:
                for each in self.telling.occasions(self._waiting.popleft()):
                    groups = await self._groups()
                    await together([self._tell(*group, each) for group in groups])
        finally:
            self._work = None

    async def _groups(self) -> Sequence[Group]:
        """The members by what they hear, each with the rights that he has now."""
        members = list(self.members)
        actors = await asyncio.gather(*[self._actor(each) for each in members])
        found: dict[Hashable, Group] = {}
        for each, actor in zip(members, actors, strict=True):
            if actor is not None:
                found.setdefault(self.telling.alike(actor), (actor, []))[1].append(each)
        return list(found.values())

    async def _actor(self, member: Subscriber) -> Actor | None:
        try:
            return await member.caller.actor()
        except (Forbidden, Unauthenticated):
            self.members.pop(member, None)
            member.revoke()
        except Exception as error:  # noqa: BLE001  whatever it is, nobody hears what is not his
            self._tell_of(error, [member])
        return None

    async def _tell(self, actor: Actor, members: list[Subscriber], occasion: Occasion) -> None:
        try:
            async with self._places, asyncio.timeout(self._seconds):
                said = await self.telling.said(actor, occasion)
        except Forbidden as error:
            self._end(members, error)
        except TimeoutError:
            told = f"What happened could not be told within {self._seconds:g} seconds."
            self._tell_of(Timeout(told), members)
        except Exception as error:  # noqa: BLE001  those who hear it know that they missed something
            self._tell_of(error, members)
        else:
            if said is not None:
                self._hand(said, members)

    def _tell_of(self, error: Exception, members: Sequence[Subscriber]) -> None:
        answer = {"errors": formatted([error], new_id("request")), "data": None}
        self._hand(json_text(answer), members)

    def _hand(self, said: str, members: Sequence[Subscriber]) -> None:
        for each in members:
            if each in self.members:
                each.tell(said)

    def _end(self, members: Sequence[Subscriber], failure: Failure) -> None:
        errors: list[dict[str, Any]] = formatted([failure], new_id("request"))
        for each in members:
            self.members.pop(each, None)
            each.end(errors)

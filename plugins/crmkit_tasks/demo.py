"""What tasks contribute to the demo company: most are done in time, some are late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NEW = ("Send a sample", "Ask what they drink", "Invite to the tasting")
_WANTED = 0.15
_DONE = 0.75
_OUTCOMES = ("Is happy and needs nothing.", "Will order next week.", "Wants to be called again.")
_MOST = 1_000

_CREATE = """mutation ($items: [CreateTaskItem!]!) {
  createTasks(input: {items: $items}) { results { task { id } } }
}"""
_COMPLETE = """mutation ($items: [CompleteTaskItem!]!) {
  completeTasks(input: {items: $items}) { results { index } }
}"""
_DUE = """query ($until: DateTime!, $first: Int!) {
  tasks(where: {state: {eq: OPEN}, dueAt: {lt: $until}}, first: $first) { nodes { id } }
}"""


class TasksDemo(sdk.DemoPart):
    """Rules want regulars to be called; colleagues want newcomers to be welcomed."""

    options: ClassVar[Mapping[str, Any]] = {
        "rules": {
            "stay_in_touch": {
                "subject": "Stay in touch",
                "stages": ["loyal"],
                "every_months": 2,
            }
        }
    }

    async def live(self) -> None:
        await self._work()
        people = [each for each in self.demo.newcomers if not each.is_organisation]
        chosen = list(self.demo.some(people, _WANTED))
        await self._create([self._welcome(each) for each in chosen])

    @sdk.act
    async def needs(self, who: sdk.Resident, subject: str, days: int) -> None:
        """Is to be looked after within some days."""
        due = self.demo.clock.now() + timedelta(days=days)
        item = self._task(who, subject, due.isoformat())
        [who.last["task"]] = await self._create([item])

    @sdk.act
    async def is_called(self, who: sdk.Resident, outcome: str, channel: str = "phone") -> None:
        """Has had what was to be done for them."""
        await self._complete([who.last["task"]], outcome, channel)

    async def _work(self) -> None:
        """Does what is due: what is left over is late, and perhaps done next time."""
        until = self.demo.clock.now().isoformat()
        found = await self.demo.ask(_DUE, until=until, first=_MOST)
        # The tasks of the stories are left to those.
        theirs = {each.last.get("task") for each in self.demo.cast.values()}
        due = [each["id"] for each in found["nodes"] if each["id"] not in theirs]
        done = list(self.demo.some(due, _DONE))
        await self._complete(done, self.demo.random.choice(_OUTCOMES), "phone")

    async def _create(self, items: Sequence[Any]) -> list[str]:
        results = await self.demo.ask_each(_CREATE, items)
        self.demo.made["tasks"] += len(results)
        return [each["task"]["id"] for each in results]

    async def _complete(self, ids: Sequence[str], outcome: str, channel: str) -> None:
        spoken = {"channel": channel}
        items = [{"id": each, "outcome": outcome, "interaction": spoken} for each in ids]
        await self.demo.ask_each(_COMPLETE, items)
        self.demo.made["tasks done"] += len(ids)

    def _welcome(self, who: sdk.Resident) -> dict[str, Any]:
        due = self.demo.moment(self.demo.clock.now(), 14)
        return self._task(who, self.demo.random.choice(_NEW), due.isoformat())

    def _task(self, who: sdk.Resident, subject: str, due: str) -> dict[str, Any]:
        cause = who.last.get("ticket") or who.last.get("interaction")
        return {
            "customerId": who.id,
            "subject": subject,
            "dueAt": due,
            "assigneeId": who.owner_id,
            "causeId": cause,
        }

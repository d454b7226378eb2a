"""What a plugin is given to take part in the life of the demo company."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from random import Random
    from zoneinfo import ZoneInfo

    from crmkit.values.clock import Clock

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

T = TypeVar("T")
A = TypeVar("A", bound=Callable[..., Awaitable[Any]])
Action = Callable[[], Awaitable[None]]

_AT_ONCE = 250  # so that no hook takes long, also on a busy machine
_OPENS, _CLOSES = 8, 19
_ACT = "__is_act__"


@dataclass(eq=False, slots=True)
class Resident:
    """A customer of the demo company, as those know them who tell of their life."""

    id: str
    name: str
    currency: str
    came_at: datetime
    owner_id: str
    is_organisation: bool = False
    last: dict[str, str] = field(default_factory=dict)
    """The newest record of each kind that is about them: `last["order"]` is an id."""


@dataclass(frozen=True)
class Deal:
    """A moment at which somebody buys; `weight` says how much compared with others."""

    resident: Resident
    at: datetime
    weight: int


class Demo:
    """The demo company in one step of its year, which is a few days.

    All that happens is asked of the one endpoint, as clients do, and follows from `random`
    alone, so that two companies that begin at one time are the same.
    """

    def __init__(
        self, ask: Ask, clock: Clock, random: Random, zone: ZoneInfo, length: timedelta
    ) -> None:
        self._ask = ask
        self.clock = clock
        self.random = random
        self.zone = zone
        self.length = length
        """How long a step is."""
        self.residents: list[Resident] = []
        self.newcomers: Sequence[Resident] = ()
        """Who has come in this step."""
        self.deals: Sequence[Deal] = ()
        """Who bought in this step, by the time."""
        self.colleagues: Sequence[str] = ()
        """The users who look after customers."""
        self.cast: MutableMapping[str, Resident] = {}
        """The characters of the stories, by the names they have there."""
        self.made: Counter[str] = Counter()
        """How many records there are of each kind."""
        self._agenda: list[tuple[datetime, int, Action]] = []
        self._number = count()

    async def ask(self, document: str, **variables: Any) -> Any:
        """Runs an operation and returns what its one root field answers.

        Raises:
            SetupError: It is refused, so the company's life contradicts the rules.
        """
        [answer] = (await self._ask(document, variables)).values()
        return answer

    async def ask_each(self, document: str, items: Sequence[Any]) -> list[Any]:
        """Runs a bulk operation for all `$items`, some at a time, and returns its results."""
        results = []
        for start in range(0, len(items), _AT_ONCE):
            asked = items[start : start + _AT_ONCE]
            results += (await self.ask(document, items=asked))["results"]
        return results

    def later(self, at: datetime, action: Action) -> None:
        """Has something done at a time to come, when the clock says so."""
        # The number keeps the order of what is planned for one time.
        heappush(self._agenda, (at, next(self._number), action))

    def planned(self, until: datetime) -> Iterator[tuple[datetime, Action]]:
        """Takes what is to be done until then off the agenda, one after the other."""
        while self._agenda and self._agenda[0][0] < until:
            at, _, action = heappop(self._agenda)
            yield at, action

    def moment(self, start: datetime, days: float = 1) -> datetime:
        """A time of the days from then on at which the shop is open."""
        day = (start + timedelta(days=self.random.uniform(0, days))).astimezone(self.zone)
        minute = self.random.randrange(_OPENS * 60, _CLOSES * 60)
        at = day.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
        return max(at, start)

    def some(self, among: Sequence[T], share: float) -> Iterator[T]:
        """Chooses some of these, each as likely as the others."""
        return (each for each in among if self.random.random() < share)


def act(function: A) -> A:
    """Marks a method of a part as something that can happen to a character of a story."""
    setattr(function, _ACT, True)
    return function


class DemoPart:
    """What one plugin contributes to the demo company; plugins subclass it as `Plugin.Demo`.

    What its customers can do in a story are its acts: the scene
    `on(12, "10:00", "anna", "buys", sku="GRINDER")` calls the method `buys` that is marked
    `@act`, with the resident and what the scene says; where no plugin has it, it falls away.
    """

    options: ClassVar[Mapping[str, Any]] = {}
    """What the plugin's section of crmkit.toml says in the demo company."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo

    def acts(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """What can happen to characters by this part."""
        marked = [each.__name__ for each in vars(type(self)).values() if getattr(each, _ACT, False)]
        return {name: getattr(self, name) for name in marked}

    async def welcome(self, items: Sequence[dict[str, Any]]) -> None:
        """Adds to what `createCustomers` is told of newcomers, such as who referred them."""

    async def live(self) -> None:
        """Adds what happened in a step, at its end, after the plugins loaded before."""

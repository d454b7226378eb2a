"""What the core contributes to the demo company: who comes, what is said, who climbs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crmkit.demo import names
from crmkit.host.demo import Deal, DemoPart, Resident, act

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmkit.demo.names import Language
    from crmkit.host.demo import Demo

_COMPANIES = 0.06
_ROLES = ("owner", "buyer", "employee")
_COOLED = timedelta(days=120)
_OFTEN = 3  # deals after which somebody is a regular
_SOURCES = ("shop", "web", "fair", "recommendation", "advert")
_TALKS = (
    ("INBOUND", "question", "Which beans for a French press?"),
    ("INBOUND", "question", "Do you deliver on Saturdays?"),
    ("INBOUND", "note", "Came to the tasting"),
    ("INBOUND", "note", "Wants to hear of new harvests"),
)
_OFFERS = (
    ("OUTBOUND", "offer", "The new harvest is here"),
    ("OUTBOUND", "offer", "A discount on the second bag"),
    ("OUTBOUND", "advice", "What suits the machine"),
)
_CHANNELS = ("email", "phone", "chat", "visit", "web", "social")
_COLLEAGUES = ("Mila Sommer", "Jonas Okafor", "李晓明", "Amélie Roux", "Yusuf Demir", "Sanna Holm")

_WORDS = (
    ("wholesale", "Wholesale", "Großhandel", "#b45309"),
    ("tasting", "Comes to tastings", "Kommt zu Verkostungen", "#0f766e"),
)
_TASTES = 0.08

_LADDER = "{ stages(first: 100) { nodes { id key } } }"
_TEAM = """mutation { createTeam(input: {name: "Customer care"}) { team { id } } }"""
_HIRE = """mutation ($items: [CreateUserItem!]!) {
  createUsers(input: {items: $items}) { results { user { id } } }
}"""
_TAGS = """mutation ($items: [CreateTagItem!]!) {
  createTags(input: {items: $items}) { results { index } }
}"""
_TAG = """mutation ($items: [TagCustomerItem!]!) {
  tagCustomers(input: {items: $items}) { results { index } }
}"""
_CREATE = """mutation ($items: [CreateCustomerItem!]!) {
  createCustomers(input: {items: $items}) { results { customer { id name } } }
}"""
_RELATE = """mutation ($items: [RelateCustomerItem!]!) {
  relateCustomers(input: {items: $items}) { results { index } }
}"""
_TALK = """mutation ($items: [RecordInteractionItem!]!) {
  recordInteractions(input: {items: $items}) { results { interaction { id } } }
}"""
_MOVE = """mutation ($items: [MoveCustomerItem!]!) {
  moveCustomers(input: {items: $items}) { results { index } }
}"""


@dataclass(eq=False, slots=True)
class _Life:
    """How somebody is with us: how often they buy and how much, and when that ends."""

    resident: Resident
    every: timedelta
    weight: int
    next_at: datetime
    deals_left: int
    is_new: bool = True
    deals: int = 0
    last_at: datetime | None = None
    stage: str = "potential"


@dataclass(frozen=True)
class _Kind:
    """A kind of customer: how many there are of it, and how often they buy."""

    share: float
    every_days: int
    deals: tuple[int, int]
    weight: int = 1


_KINDS = (
    _Kind(share=0.34, every_days=365, deals=(0, 0)),
    _Kind(share=0.42, every_days=60, deals=(1, 2)),
    _Kind(share=0.17, every_days=35, deals=(3, 12)),
    _Kind(share=0.05, every_days=21, deals=(3, 8)),
    _Kind(share=0.02, every_days=14, deals=(12, 40), weight=4),
)


@dataclass
class _Step:
    """What the core does in one step, put together before it is asked for."""

    talks: list[tuple[Resident, dict[str, Any]]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)


class CoreDemo(DemoPart):
    """Customers come, are talked to, buy or do not, become regulars and cool down."""

    def __init__(self, demo: Demo, parts: Sequence[DemoPart]) -> None:
        super().__init__(demo)
        self._parts = parts
        self._lives: list[_Life] = []
        self._stages: Mapping[str, str] = {}
        self._numbers = dict.fromkeys(names.LANGUAGES, 0)

    async def open(self) -> None:
        """Hires colleagues before the first customer comes."""
        ladder = await self.demo.ask(_LADDER)
        self._stages = {each["key"]: each["id"] for each in ladder["nodes"]}
        team = (await self.demo.ask(_TEAM))["team"]["id"]
        hired = [
            {"name": each, "mail": f"colleague{number}@example.org", "teamId": team}
            for number, each in enumerate(_COLLEAGUES, start=1)
        ]
        results = await self.demo.ask_each(_HIRE, hired)
        self.demo.colleagues = [each["user"]["id"] for each in results]
        tags = [
            {"key": key, "labels": [_label("en", english), _label("de", german)], "colour": colour}
            for key, english, german, colour in _WORDS
        ]
        await self.demo.ask_each(_TAGS, tags)

    async def live(self) -> None:
        """Lets happen what the customers' lives hold for this step."""
        step = _Step()
        for life in self._lives:
            self._go_on(life, step)
        self.demo.deals = sorted(step.deals, key=lambda each: each.at)
        await self._talk(step.talks)
        await self._move(step.moves)

    async def grow(self, count: int) -> None:
        """Lets new customers come, some of them companies with their people."""
        made = [self._invented() for _ in range(count)]
        items = [each for each, _ in made]
        for part in self._parts:
            await part.welcome(items)
        residents = await self._come(items, [language for _, language in made])
        self.demo.newcomers = [*self.demo.newcomers, *residents]
        self.demo.residents += residents
        self._lives += [self._life(each) for each in residents]
        await self._employ(residents)
        await self._tag(residents)

    # -- what happens in stories ------------------------------------------------------------

    @act
    async def comes(self, who: str, locale: str = "en-GB", **said: Any) -> Resident:
        """Becomes a customer, known to the story by this word."""
        language = names.LANGUAGES[locale]
        item = {"locale": locale, "zone": language.zone, "ownerId": self._owner(), **said}
        [resident] = await self._come([item], [language])
        self.demo.cast[who] = resident
        return resident

    @act
    async def says(self, who: Resident, subject: str, channel: str = "email", **said: Any) -> None:
        """Turns to us."""
        talk = {"channel": channel, "direction": "INBOUND", "kind": "note", "subject": subject}
        await self._talk([(who, {**talk, **said})])

    @act
    async def hears(self, who: Resident, subject: str, channel: str = "email", **said: Any) -> None:
        """Is told something by us."""
        talk = {"channel": channel, "direction": "OUTBOUND", "kind": "note", "subject": subject}
        await self._talk([(who, {**talk, **said})])

    @act
    async def moves(self, who: Resident, to: str, reason: str) -> None:
        """Goes to another stage."""
        await self._move([{"id": who.id, "stageId": self._stages[to], "reason": reason}])

    @act
    async def works_for(self, who: Resident, company: str, role: str = "buyer") -> None:
        """Is somebody in a company."""
        their = self.demo.cast[company]
        item = {"fromId": who.id, "toId": their.id, "role": role}
        await self.demo.ask_each(_RELATE, [item])

    # -- who comes --------------------------------------------------------------------------

    def _invented(self) -> tuple[dict[str, Any], Language]:
        """Invents somebody as `createCustomers` takes them."""
        chance = self.demo.random
        language = chance.choice([*names.LANGUAGES.values()])
        person = names.somebody(chance, language)
        nth = self._numbers[language.locale]
        self._numbers[language.locale] += 1
        item: dict[str, Any] = {
            "locale": language.locale,
            "zone": language.zone,
            "source": chance.choice(_SOURCES),
            "ownerId": self._owner(),
            "addresses": [{"country": language.region, "locality": language.city}],
        }
        if number := names.number(language, nth):
            item["phones"] = [{"number": number, "label": "mobile"}]
        if chance.random() < _COMPANIES:
            name = language.company.format(family=person.family.written)
            mail = f"office@{person.family.latin}{nth}.example.com"
            item |= {"kind": "ORGANISATION", "name": name, "emails": [{"address": mail}]}
        else:
            mail = person.mail(f"{language.region.lower()}{nth}")
            item |= {
                "name": person.name,
                "givenName": person.given.written,
                "familyName": person.family.written,
                "emails": [{"address": mail}],
            }
        return item, language

    async def _come(
        self, items: Sequence[dict[str, Any]], languages: Sequence[Language]
    ) -> list[Resident]:
        created = await self.demo.ask_each(_CREATE, items)
        self.demo.made["customers"] += len(created)
        now = self.demo.clock.now()
        return [
            Resident(
                id=each["customer"]["id"],
                name=each["customer"]["name"],
                currency=language.currency,
                came_at=now,
                owner_id=item["ownerId"],
                is_organisation=item.get("kind") == "ORGANISATION",
            )
            for each, item, language in zip(created, items, languages, strict=True)
        ]

    async def _employ(self, residents: Sequence[Resident]) -> None:
        """Has some of the people who came along work for the companies that did."""
        companies = [each for each in residents if each.is_organisation]
        people = iter([each for each in residents if not each.is_organisation])
        items = [
            {"fromId": person.id, "toId": company.id, "role": role}
            for company in companies
            for role, person in zip(self._roles(), people, strict=False)
        ]
        await self.demo.ask_each(_RELATE, items)
        self.demo.made["relations"] += len(items)

    async def _tag(self, residents: Sequence[Resident]) -> None:
        """Pins to newcomers what we want to find them by."""
        companies = [each for each in residents if each.is_organisation]
        people = [each for each in residents if not each.is_organisation]
        tasting = self.demo.some(people, _TASTES)
        pinned = [(each, "wholesale") for each in companies] + [
            (each, "tasting") for each in tasting
        ]
        items = [{"customerId": each.id, "tags": [tag]} for each, tag in pinned]
        await self.demo.ask_each(_TAG, items)
        self.demo.made["tags"] += len(items)

    def _roles(self) -> Sequence[str]:
        return _ROLES[: self.demo.random.randint(1, len(_ROLES))]

    def _owner(self) -> str:
        return self.demo.random.choice(self.demo.colleagues)

    def _life(self, resident: Resident) -> _Life:
        chance = self.demo.random
        [kind] = chance.choices(_KINDS, [each.share for each in _KINDS])
        if resident.is_organisation:
            kind = _KINDS[-1] if kind.deals[1] else kind
        every = timedelta(days=kind.every_days)
        first = self.demo.moment(self.demo.clock.now(), kind.every_days)
        return _Life(resident, every, kind.weight, first, chance.randint(*kind.deals))

    # -- what happens to them ---------------------------------------------------------------

    def _go_on(self, life: _Life, step: _Step) -> None:
        """Adds what this step holds for one customer."""
        now, chance = self.demo.clock.now(), self.demo.random
        is_new, life.is_new = life.is_new, False
        if is_new or chance.random() < 0.01 * self.demo.length.days / 7:
            step.talks.append(self._said(life.resident, chance.choice(_TALKS), now))
        if is_new and chance.random() < 0.5:
            self._climb(life, "intent", "Has asked for more", step)
        elif life.deals_left and life.next_at <= now:
            while life.deals_left and life.next_at <= now:
                self._buy(life, step)
            self._rise(life, step)
        elif life.last_at and now - life.last_at > _COOLED and life.stage == "loyal":
            self._climb(life, "customer", "Has not bought for four months", step)

    def _buy(self, life: _Life, step: _Step) -> None:
        chance, at = self.demo.random, life.next_at
        if chance.random() < 0.3:
            offered = self._said(life.resident, chance.choice(_OFFERS), at)
            step.talks.append(offered)
        step.deals.append(Deal(life.resident, at, life.weight))
        life.deals, life.deals_left, life.last_at = life.deals + 1, life.deals_left - 1, at
        life.next_at = at + life.every * chance.uniform(0.5, 1.5)

    def _rise(self, life: _Life, step: _Step) -> None:
        """Takes who has bought a stage further, one in a step."""
        if life.stage in ("potential", "intent"):
            self._climb(life, "customer", "First order", step)
        elif life.stage == "customer" and life.deals >= _OFTEN:
            self._climb(life, "loyal", "Buys again and again", step)

    def _said(
        self, who: Resident, talk: tuple[str, str, str], before: datetime
    ) -> tuple[Resident, dict[str, Any]]:
        """Something that was said some hours before."""
        direction, kind, subject = talk
        at = before - timedelta(minutes=self.demo.random.randrange(20, 2_000))
        said = {
            "channel": self.demo.random.choice(_CHANNELS),
            "direction": direction,
            "kind": kind,
            "subject": subject,
            "occurredAt": max(at, who.came_at).isoformat(),
        }
        return who, said

    def _climb(self, life: _Life, to: str, reason: str, step: _Step) -> None:
        life.stage = to
        move = {"id": life.resident.id, "stageId": self._stages[to], "reason": reason}
        step.moves.append(move)

    async def _talk(self, talks: Sequence[tuple[Resident, dict[str, Any]]]) -> None:
        items = [{"customerId": who.id, **said} for who, said in talks]
        results = await self.demo.ask_each(_TALK, items)
        for (who, _), each in zip(talks, results, strict=True):
            who.last["interaction"] = each["interaction"]["id"]
        self.demo.made["interactions"] += len(items)

    async def _move(self, items: Sequence[Any]) -> None:
        await self.demo.ask_each(_MOVE, items)
        self.demo.made["moves"] += len(items)


def _label(locale: str, text: str) -> dict[str, str]:
    return {"locale": locale, "text": text}

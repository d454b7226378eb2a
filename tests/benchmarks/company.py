"""An invented company of any size, the same for the same seed: all rows that it consists of.

They are what the rules would have written: a balance is the sum of its entries, every text has
its fold and its sort key, every record its row at the side and every ticket its history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from crmkit.demo.names import LANGUAGES, somebody
from crmkit.values.text import fold, sort_key

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
_YEAR = 365 * 86_400_000_000  # microseconds
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TRIPLES = [a + b + c for a in _ALPHABET for b in _ALPHABET for c in _ALPHABET]
_ORGANISATIONS = 20  # one customer of so many is no person
_DISTINCT = 4_000  # names; people are called alike
_SUBJECTS = [f"{what} {thing}" for what in ("About", "Question on", "Offer for", "Thanks for")
             for thing in ("the invoice", "a delivery", "Ihre Bestellung", "die Röstung", "貨物",
                           "the next visit", "le café", "an order", "the contract")]  # fmt: skip
_KINDS = ("note", "question", "offer", "call", "visit")
_STATES = ("new", "open", "pending", "on_hold", "solved", "closed", "closed", "closed")
_WAYS = {
    "new": (), "open": ("open",), "pending": ("open", "pending"), "on_hold": ("open", "on_hold"),
    "solved": ("open", "solved"), "closed": ("open", "solved", "closed"),
}  # fmt: skip
_PRIORITIES = {"low": 10, "normal": 20, "high": 30, "urgent": 40}


@dataclass(frozen=True)
class Size:
    """How many there are of each kind of record."""

    customers: int
    interactions: int
    entries: int
    tickets: int
    seed: int = 1


@dataclass(frozen=True)
class Vocabulary:
    """Rows that every database begins with, by their ids."""

    stages: Sequence[str]
    channels: Sequence[str]


class Rows(NamedTuple):
    """Some rows of one table."""

    table: str
    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class Company:
    """The rows of one company, table by table; a table follows those that it refers to.

    Args:
        size: How many of what.
        known: What is there already.
        moment: Writes a time as the database takes it.
    """

    def __init__(self, size: Size, known: Vocabulary, moment: Callable[[datetime], Any]) -> None:
        self.size, self.known = size, known
        self._moment = moment
        self._random = Random(size.seed)
        self._users = [typeid("app_user", 0, n) for n in range(20)]
        # People come in the first year; what is said and done with them fills the second.
        self._came = [_YEAR * n // size.customers for n in range(size.customers)]
        self._ids = [typeid("customer", at, n) for n, at in enumerate(self._came)]
        self._stages = self._random.choices(known.stages, (5, 3, 4, 2), k=size.customers)
        self._balances = [0] * size.customers
        self._earned = [0] * size.customers

    def tables(self) -> Iterator[Rows]:
        """All of it; the rows of a table are made while they are taken."""
        columns: tuple[str, ...]
        versioned = ("id", "created_at", "updated_at", "version")
        record = ("id", "created_at")
        yield Rows("app_user", (*versioned, *_text("name"), "mail", "active"), self._people())
        columns = ("kind", *_text("name"), *_text("given_name"), *_text("family_name"))
        columns += ("name_is_placeholder", *_text("source"), "locale", "zone", "owner_id")
        yield Rows("customer", (*versioned, *columns, "stage_id"), self._customers())
        columns = ("customer_id", *_text("address"), "given", "is_primary")
        yield Rows("customer_email", (*record, *columns), self._emails())
        columns = ("customer_id", "stage_id", "entered_at", "actor")
        yield Rows("customer_stay", (*record, *columns), self._stays())
        columns = ("customer_id", "channel_id", "direction", "kind", "occurred_at", "actor")
        yield Rows("interaction", (*record, *columns), self._interactions())
        columns = ("interaction_id", *_text("subject"), "properties")
        yield Rows("interaction_content", columns, self._contents())
        columns = ("customer_id", "kind", "points")
        yield Rows("loyalty_entry", (*record, *columns), self._entries())
        columns = ("customer_id", "balance", "earned")
        accounts = zip(self._ids, self._balances, self._earned, strict=True)
        yield Rows("loyalty_account", columns, accounts)
        columns = ("customer_id", "channel_id", "type", "priority", "urgency", "queue")
        columns += (*_text("subject"), "state", "assignee_id", "asked_at", "told_at")
        columns += ("solved_at", "resolution_seconds", "reopenings", "closed_at")
        yield Rows("feedback_ticket", (*versioned, *columns), self._tickets())
        columns = ("ticket_id", "from_state", "to_state", "actor")
        yield Rows("feedback_change", (*record, *columns), self._changes())

    def _people(self) -> Iterator[tuple[Any, ...]]:
        at = self._moment(BEGAN)
        for n, id_ in enumerate(self._users):
            yield id_, at, at, 1, *_folded(f"Colleague {n}"), f"colleague{n}@example.com", True

    def _customers(self) -> Iterator[tuple[Any, ...]]:
        random = Random(self.size.seed + 1)
        names = [_Named.of(random) for _ in range(min(_DISTINCT, self.size.customers))]
        sources = [_folded(each) for each in ("fair", "web", "recommendation", "shop")]
        for n, id_ in enumerate(self._ids):
            at = self._moment(BEGAN + timedelta(microseconds=self._came[n]))
            person = n % _ORGANISATIONS != 0
            name = random.choice(names)
            parts = (*name.given, *name.family) if person else (None,) * 6
            yield (
                id_, at, at, 1, "person" if person else "organisation",
                *(name.whole if person else name.company), *parts, False, *random.choice(sources),
                name.locale, name.zone, random.choice(self._users), self._stages[n],
            )  # fmt: skip

    def _emails(self) -> Iterator[tuple[Any, ...]]:
        for n, id_ in enumerate(self._ids):
            at = self._came[n]
            written = f"customer.{n}@example.com"
            moment = self._moment(BEGAN + timedelta(microseconds=at))
            made = typeid("customer_email", at, n)
            yield made, moment, id_, *_folded(written), written, True

    def _stays(self) -> Iterator[tuple[Any, ...]]:
        for n, id_ in enumerate(self._ids):
            at = self._came[n]
            moment = self._moment(BEGAN + timedelta(microseconds=at))
            yield typeid("customer_stay", at, n), moment, id_, self._stages[n], moment, "system"

    def _interactions(self) -> Iterator[tuple[Any, ...]]:
        random, channels = Random(self.size.seed + 2), self.known.channels
        choose, ids, users = random.choice, self._ids, self._users
        for n in range(self.size.interactions):
            at = _YEAR + _YEAR * n // self.size.interactions
            moment = self._moment(BEGAN + timedelta(microseconds=at))
            way = "inbound" if random.random() < 0.6 else "outbound"
            yield (
                typeid("interaction", at, n), moment, choose(ids), choose(channels), way,
                choose(_KINDS), moment, choose(users),
            )  # fmt: skip

    def _contents(self) -> Iterator[tuple[Any, ...]]:
        choose = Random(self.size.seed + 3).choice
        subjects = [_folded(each) for each in _SUBJECTS]
        for n in range(self.size.interactions):
            at = _YEAR + _YEAR * n // self.size.interactions
            yield typeid("interaction", at, n), *choose(subjects), "{}"

    def _entries(self) -> Iterator[tuple[Any, ...]]:
        random = Random(self.size.seed + 4)
        balances, earned = self._balances, self._earned
        for n in range(self.size.entries):
            at = _YEAR + _YEAR * n // self.size.entries
            who, points = random.randrange(self.size.customers), random.randrange(1, 500)
            if random.random() < 0.2 and balances[who] >= points:
                kind, points = "redeem", -points
            else:
                kind = "earn"
                earned[who] += points
            balances[who] += points
            moment = self._moment(BEGAN + timedelta(microseconds=at))
            yield typeid("loyalty_entry", at, n), moment, self._ids[who], kind, points

    def _tickets(self) -> Iterator[tuple[Any, ...]]:
        choose = Random(self.size.seed + 5).choice
        subjects = [_folded(each) for each in _SUBJECTS]
        for n, state in enumerate(self._states()):
            begun = self._opened(n)
            ends = [self._step(n, place) for place in range(len(_WAYS[state]) + 1)]
            times = dict(zip(("new", *_WAYS[state]), ends, strict=True))
            solved, closed = times.get("solved"), times.get("closed")
            seconds = int((solved - begun).total_seconds()) if solved else None
            priority = choose(tuple(_PRIORITIES))
            written = [each and self._moment(each) for each in (begun, ends[-1], solved, closed)]
            yield (
                typeid("feedback_ticket", _since(begun), n), written[0], written[1],
                len(times), choose(self._ids), choose(self.known.channels), "question", priority,
                _PRIORITIES[priority], "support", *choose(subjects), state,
                None if state == "new" else choose(self._users), written[0], None,
                written[2], seconds, 0, written[3],
            )  # fmt: skip

    def _changes(self) -> Iterator[tuple[Any, ...]]:
        number = 0
        for n, state in enumerate(self._states()):
            ticket = typeid("feedback_ticket", _since(self._opened(n)), n)
            before = None
            for place, after in enumerate(("new", *_WAYS[state])):
                at = self._step(n, place)
                made = typeid("feedback_change", _since(at), number)
                yield made, self._moment(at), ticket, before, after, "system"
                before = after
                number += 1

    def _states(self) -> Iterator[str]:
        random = Random(self.size.seed + 6)
        return (random.choice(_STATES) for _ in range(self.size.tickets))

    def _opened(self, n: int) -> datetime:
        return BEGAN + timedelta(microseconds=_YEAR + _YEAR * n // self.size.tickets)

    def _step(self, n: int, place: int) -> datetime:
        """When a ticket took a step: each takes some hours."""
        return self._opened(n) + timedelta(hours=place * (1 + n % 30))


class _Named(NamedTuple):
    """How somebody is called, with the companions of each text."""

    whole: tuple[str, str, str]
    given: tuple[str, str, str]
    family: tuple[str, str, str]
    company: tuple[str, str, str]
    locale: str
    zone: str

    @classmethod
    def of(cls, random: Random) -> _Named:
        language = random.choice(tuple(LANGUAGES.values()))
        person = somebody(random, language)
        family = person.family.written
        texts = (person.name, person.given.written, family, language.company.format(family=family))
        return cls(*[_folded(each) for each in texts], language.locale, language.zone)


def typeid(prefix: str, microseconds: int, number: int) -> str:
    """The id of a record: sorted by its time, and by its number within a millisecond."""
    milliseconds = int(BEGAN.timestamp()) * 1000 + microseconds // 1000
    head = "".join(_ALPHABET[milliseconds >> n & 31] for n in range(45, -1, -5))
    t = _TRIPLES
    # Version 7 and the variant; in between and behind them the count.
    low = f"{t[number >> 30 & 32767]}{t[number >> 15 & 32767]}{t[number & 32767]}"
    return f"{prefix}_{head}e008000{low}"


def _since(at: datetime) -> int:
    return (at - BEGAN) // timedelta(microseconds=1)


def _text(name: str) -> tuple[str, str, str]:
    """The columns of a text that is searched."""
    return name, f"{name}_fold", f"{name}_sort"


def _folded(text: str) -> tuple[str, str, str]:
    return text, fold(text), sort_key(text)

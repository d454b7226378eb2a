"""What happens in the company that is asked: all of it through its own front door."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from crmkit.testing import Trial

PEOPLE = 26

_NAMES = (
    "张伟", "章伟", "Ann Baker", "ann baker", "ÄNN Bäker", "Zoë", "Émile Zola", "Иван", "李娜",
    "Straße", "STRASSE", "Ｍüller", "Muller", "o'neill", "50% & _co", "ﬁne", "Ⅷ", "İpek",
)  # fmt: skip
_SOURCES = (None, "web", "Web", "fair", None, "Empfehlung")
_ADDRESSES: tuple[list[dict[str, Any]], ...] = (
    [{"country": "DE", "locality": "Köln", "lines": ["Domstr. 1"], "postalCode": "50667"}],
    [{"country": "FR", "label": "home"}, {"country": "XK", "region": "Pejë", "primary": True}],
    [],
)
_OWN: tuple[dict[str, Any], ...] = (
    {"vatNumber": "DE 123", "employees": -7, "rating": "9.250", "newsletter": False},
    {"vatNumber": "de １２３", "founded": "1999-12-31", "class": "a", "discount": "0"},
    {},
    {"employees": 12, "rating": "-0.001", "newsletter": True, "class": "b"},
    {"employees": 12, "founded": "2026-02-28", "class": "c", "discount": "100.1"},
)
_TOTALS = (
    ("42.00", "EUR"), ("42.00", "USD"), ("4200", "JPY"), ("0.00", "EUR"), ("4.200", "KWD"),
    ("41.99", "EUR"), ("123456789.01", "EUR"),
)  # fmt: skip
_SAID = (None, "Where is my parcel?", "Wo ist mein Paket?", "我的包裹在哪里？", "where IS it")
_LABELS = [{"locale": "en", "text": "Wholesale"}, {"locale": "de", "text": "Großhandel"}]


class Seeding:
    """Fills one company; each step leaves what the next ones build on."""

    def __init__(self, t: Trial, until: datetime) -> None:
        self.t = t
        self.until = until
        self.people: list[str] = []
        self.colleagues: list[str] = []
        self.orders: list[str] = []

    async def run(self) -> None:
        """Lets everything happen in the year before `until`."""
        self.t.clock.set(self.until - timedelta(days=300))
        await self._hire()
        await self._come()
        for days, step in ((200, self._buy), (100, self._talk), (50, self._ask), (10, self._plan)):
            self.t.clock.set(self.until - timedelta(days=days))
            await step()
            await self.t.drain()
        await self._tag()
        self.t.clock.set(self.until)
        await self._leave()
        await self.t.drain()

    async def _hire(self) -> None:
        teams = await self._each("createTeam", "team", [{"name": "Care"}, {"name": "care"}])
        hired = [
            {"name": name, "mail": f"{index}@example.org", "teamId": team}
            for index, (name, team) in enumerate(zip(_NAMES[:4], [*teams, *teams], strict=True))
        ]
        self.colleagues = await self._each("createUser", "user", hired)
        channel = (await self.t.gql("{ channels(first: 1) { nodes { id } } }"))["channels"]
        place = {"channelId": channel["nodes"][0]["id"]}
        given = [{"key": "shop", "labels": _LABELS, **place}, {"key": "fair-2026"}]
        await self._each("createTouchpoint", "touchpoint", given)

    async def _come(self) -> None:
        owners = cycle([*self.colleagues, None])
        items = [
            {
                "name": _NAMES[index % len(_NAMES)],
                "kind": "ORGANISATION" if index % 7 == 6 else "PERSON",
                "source": _SOURCES[index % len(_SOURCES)],
                "ownerId": next(owners),
                "emails": [
                    {"address": f"{index}.{nth}@example.com", "label": "Work" if nth else None}
                    for nth in range(index % 3)
                ],
                "phones": [{"number": f"+493023125{index:03}"}] if index % 4 == 0 else [],
                "addresses": _ADDRESSES[index % 3],
                "externalIds": [{"source": "shop", "externalId": f"X{index}"}] if index % 5 else [],
                "fields": _OWN[index % len(_OWN)],
            }
            for index in range(PEOPLE)
        ]
        self.people = await self._each("createCustomer", "customer", items)
        companies = self.people[6::7]
        relations = [
            {"fromId": person, "toId": company, "role": role, "since": since}
            for company in companies
            for person, role, since in zip(
                self.people[:3],
                ("owner", "buyer", "buyer"),
                (None, "2026-01-31", None),
                strict=True,
            )
        ]
        await self._each("relateCustomer", "relation", relations)
        await self._refer()

    async def _refer(self) -> None:
        """A chain of friends, and one who has not come yet."""
        codes = [
            await self._one("issueReferralCode", "code", {"customerId": each})
            for each in self.people[:3]
        ]
        for code, friend in zip(codes, self.people[1:4], strict=True):
            given = {"customerId": friend, "code": code}
            await self._one("registerReferral", "referral { id }", given)
        invited = {"code": codes[0], "email": "friend@example.com"}
        await self._one("inviteReferral", "referral { id }", invited)

    async def _buy(self) -> None:
        items = []
        for index in range(2 * PEOPLE):
            amount, currency = _TOTALS[index % len(_TOTALS)]
            total = {"amount": amount, "currency": currency}
            # Several at one time, so that the id decides.
            at = self.until - timedelta(days=200 - index // 3)
            item: dict[str, Any] = {
                "customerId": self.people[index * index % (PEOPLE - 4)],
                "total": total,
                "placedAt": at.isoformat(),
            }
            if index % 2:
                item["lines"] = [{"amount": total, "quantity": index, "sku": f"S{index % 5}"}]
            if index % 5 == 0:
                item |= {"source": "Shop" if index % 2 else "shop", "externalId": f"O{index}"}
            items.append(item)
        self.orders = await self._each("recordOrder", "order", items)
        await self.t.drain()
        refunds = [{"orderId": each} for each in self.orders[2::7]]
        await self._each("refundOrder", "order", refunds)
        await self._one(
            "adjustPoints",
            "entry { id }",
            {"customerId": self.people[4], "points": str(2**40), "reason": "Straße"},
        )
        spent = {"customerId": self.people[4], "points": "5", "causeId": self.orders[0]}
        await self._one("redeemPoints", "entry { id }", spent)

    async def _talk(self) -> None:
        items: list[dict[str, Any]] = []
        for index in range(PEOPLE + 10):
            at = self.until - timedelta(days=100 - index // 2)
            items.append(
                {
                    "customerId": self.people[index * 3 % (PEOPLE - 3)],
                    "channel": ("email", "phone", "chat")[index % 3],
                    "touchpoint": (None, "shop", "fair-2026")[index // 2 % 3],
                    "direction": "INBOUND" if index % 2 else "OUTBOUND",
                    "kind": ("note", "question", "offer")[index % 3],
                    "subject": _SAID[index % len(_SAID)],
                    "body": f"{index}",
                    "properties": {"nth": index, "of": ["a", None, {"b": 1.5}]},
                    "occurredAt": at.isoformat(),
                    "causeId": self.orders[index] if index % 4 == 0 else None,
                }
            )
        said = await self._each("recordInteraction", "interaction", items)
        again = [
            {**items[index], "occurredAt": None, link: said[index]}
            for index, link in ((0, "causeId"), (1, "causeId"), (2, "supersedesId"))
        ]
        last = await self._each("recordInteraction", "interaction", again)
        await self._each(
            "recordInteraction", "interaction", [{**items[0], "causeId": last[0], "body": None}]
        )

    async def _ask(self) -> None:
        given = [
            {
                "customerId": self.people[index * 2],
                "channel": "email",
                "body": f"Nothing works: {index}",
                "subject": _SAID[index % len(_SAID)],
                "priority": ("low", "normal", "high")[index % 3],
                "assigneeId": self.colleagues[index % 2],
                "causeId": self.orders[index],
            }
            for index in range(8)
        ]
        tickets = [await self._one("openTicket", "ticket { id }", each) for each in given]
        for index, ticket in enumerate(each["id"] for each in tickets[:5]):
            await self._one("replyToTicket", "ticket { id }", {"ticketId": ticket, "body": "So!"})
            solve = await self._one("solveTicket", "solve { ratingToken }", {"ticketId": ticket})
            if index < 3:
                rating = {"token": solve["ratingToken"], "score": 1 + 2 * index, "comment": "Oh"}
                await self._one("rateTicket", "ticket { id }", rating)
            if index == 1:
                await self._one("closeTicket", "ticket { id }", {"ticketId": ticket})
                more = {"ticketId": ticket, "body": "Again!", "author": "CUSTOMER"}
                await self._one("replyToTicket", "ticket { id }", more)

    async def _plan(self) -> None:
        items = [
            {
                "customerId": self.people[index % (PEOPLE - 5)],
                "subject": ("Call", "call", "Anrufen")[index % 3],
                "dueAt": (self.until + timedelta(days=index // 4 - 4)).isoformat(),
                "assigneeId": self.colleagues[index % 4] if index % 3 else None,
                "causeId": self.orders[index] if index % 2 else None,
            }
            for index in range(PEOPLE)
        ]
        made = [(await self._one("createTask", "task { id }", each))["id"] for each in items]
        talk = {"channel": "phone"}
        for each in made[:3]:
            await self._one("completeTask", "task { id }", {"id": each, "interaction": talk})
        for each in made[3:5]:
            await self._one("cancelTask", "task { id }", {"id": each, "reason": "Too late"})
        ladder = await self.t.gql("{ stages { nodes { id moves { to { id } } isDefault } } }")
        first = next(each for each in ladder["stages"]["nodes"] if each["isDefault"])
        for each in self.people[::3]:
            moved = {"id": each, "stageId": first["moves"][0]["to"]["id"], "reason": "Why not"}
            await self._one("moveCustomer", "customer { id }", moved)

    async def _tag(self) -> None:
        for key, labels in (("vip", []), ("wholesale", _LABELS), ("fair", []), ("unused", [])):
            given = {"key": key, "labels": labels, "colour": "#d97706" if labels else None}
            await self._one("createTag", "tag { id }", given)
        for index, customer in enumerate(self.people[::2]):
            tags = ["vip", "wholesale", "fair"][: 1 + index % 3]
            await self._one(
                "tagCustomer", "customer { id }", {"customerId": customer, "tags": tags}
            )

    async def _leave(self) -> None:
        """Of those who leave, one has referred others, and one is in a relation."""
        for index in (1, 6, 12, 20):
            await self._one("deleteCustomer", "deletedCustomerId", {"id": self.people[index]})

    async def _one(self, mutation: str, made: str, given: dict[str, Any]) -> Any:
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        asked = f"mutation ($i: {kind}!) {{ {mutation}(input: $i) {{ {made} }} }}"
        answer = await self.t.gql(asked, i=given)
        return answer[mutation][made.partition(" ")[0]]

    async def _each(self, mutation: str, made: str, items: list[dict[str, Any]]) -> list[str]:
        """Many at once; the ids of what was made."""
        name = f"{mutation[0].upper()}{mutation[1:]}"
        asked = (
            f"mutation ($items: [{name}Item!]!) {{ {mutation}s(input: {{items: $items}}) "
            f"{{ results {{ {made} {{ id }} }} }} }}"
        )
        answer = await self.t.gql(asked, items=items)
        return [each[made]["id"] for each in answer[f"{mutation}s"]["results"]]

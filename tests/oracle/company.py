"""The company that is asked: the same rows on both engines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.schema import sort_tables

from crmkit import sdk
from crmkit.engine.fields import FromSide
from crmkit.store.database import attribute, table_of
from crmkit.testing import Trial, crm
from crmkit_feedback.plugin import Feedback
from crmkit_grading.plugin import Grading
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals
from crmkit_tasks.plugin import Tasks
from tests.oracle.seeding import Seeding

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

_FIELDS: dict[str, dict[str, Any]] = {
    "vat_number": {"type": "text"},
    "employees": {"type": "integer"},
    "rating": {"type": "decimal", "digits": 3},
    "newsletter": {"type": "boolean"},
    "founded": {"type": "date"},
    "class": {
        "type": "choice",
        "choices": ["c", {"key": "a", "labels": {"en": "Gold", "de": "Goldkunde"}}, "b"],
    },
    "discount": {"type": "decimal", "required": True, "default": "2.5"},
}
_LIMITS = ("tokens", "aliases", "fields", "directives", "overlaps", "cost")
_SETTINGS: dict[str, Any] = {
    "secret": "the oracle knows no secrets",
    # How much one may ask for is tested elsewhere; here everything is asked.
    "graphql": {"limits": dict.fromkeys(_LIMITS, 10**9)},
}
_HOUSE: dict[str, Any] = {
    "organisation": {"zone": "Europe/Berlin"},
    "fields": {"customer": _FIELDS},
    "config": {
        "tasks": {"rules": {"touch": {"subject": "Stay in touch", "every_months": 2}}},
        "loyalty": {"tiers": {"bronze": 0, "silver": 100, "gold": 500}},
        "grading": {
            "rules": {
                "talks": {"group": "engagement", "events": ["interaction"], "points": 3},
                "buys": {"group": "engagement", "events": ["order"], "points": 10, "cap": 40},
            }
        },
    },
}


class Company:
    """One company on both engines: the same rows, the same clock, the same secret."""

    def __init__(
        self,
        plugins: Sequence[type[sdk.Plugin]],
        fill: Callable[[Trial], Awaitable[None]],
        spoil: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        self.plugins, self.fill, self.spoil, self.settings = plugins, fill, spoil, settings
        self.trials: dict[str, Trial] = {}
        self._open = AsyncExitStack()

    async def found(self) -> None:
        """Fills it on SQLite, copies it to PostgreSQL, then does to both what no rule allows."""
        for engine in ("sqlite", "postgresql"):
            context = crm(*self.plugins, engine=engine, **_SETTINGS, **self.settings)
            self.trials[engine] = await self._open.enter_async_context(context)
            self.trials[engine].clock.set(NOW)
        await self.fill(self.trials["sqlite"])
        await _copy(self.trials["sqlite"], self.trials["postgresql"])
        for each in self.trials.values():
            async with each.host.database.transaction() as transaction:
                for sql in self.spoil:
                    await transaction.execute(sql, [])

    async def close(self) -> None:
        await self._open.aclose()


def tables_of(t: Trial) -> list[Table]:
    """All tables whose rows a client can ask for, each after those that it points to."""
    registry = t.crm.schema.registry
    found = {table_of(spec.model) for spec in registry.nodes.values()}
    for declared in registry.members.values():
        for each in declared:
            if isinstance(each.source, FromSide):
                found.add(attribute(each.source.attribute)[0])
    return sort_tables(found)


def house() -> Company:
    """A company with all that is bundled."""
    plugins = (Orders, Loyalty, Referrals, Feedback, Tasks, Grading)
    return Company(plugins, lambda t: Seeding(t, NOW).run(), **_HOUSE)


async def _copy(source: Trial, target: Trial) -> None:
    tables = tables_of(source)
    async with target.host.database.transaction() as transaction:
        # What never changes is filled in once, past the triggers that guard it.
        await transaction.execute("SET LOCAL session_replication_role = replica", [])
        for table in reversed(tables):
            await transaction.run(delete(table))
        for table in tables:
            names = [each.name for each in table.columns]
            rows = await source.host.database.fetch(select(table))
            values = [dict(zip(names, row, strict=True)) for row in rows]
            if values:
                # In one statement, so that rows may point to rows of their own table.
                await transaction.run(insert(table).values(values))

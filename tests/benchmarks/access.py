"""What access costs: the same questions of somebody who may do all, of a manager, and of a team.

python -m tests.benchmarks.access [sqlite] [postgresql]

CPU of this process for a request, without HTTP; the three take turns. A manager is refused some
coordinates, so what he names is looked at; a team sees its own customers, half of all.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import update

from crmkit.customers.models import Customer
from crmkit.host.actors import SYSTEM
from crmkit.host.discovery import discover, imported
from crmkit.host.tables import CORE
from crmkit.interactions.models import Interaction
from crmkit.store.database import table_of
from crmkit.testing import Trial, add_customers, crm
from crmkit.testing.everything import UNLIMITED
from crmkit.testing.rows import fill_table
from tests.benchmarks.questions import QUESTIONS

ROUNDS, CALLS, CUSTOMERS = 7, 40, 1_000

Who = Callable[[Trial, str], None]


def everything(t: Trial, team: str) -> None:
    t.actor = SYSTEM


def manager(t: Trial, team: str) -> None:
    t.become("manager")


def colleague(t: Trial, team: str) -> None:
    t.become("manager", team=team, scope="team")


ACTORS: Sequence[Who] = (everything, manager, colleague)


async def main(engines: Sequence[str]) -> None:
    for engine in engines:
        plugins = [imported(each) for each in discover() if each.bundled]
        async with crm(*plugins, engine=engine, graphql=UNLIMITED) as t:
            team, customers = await _filled(t)
            _show(engine, await _measured(t, team, customers))


async def _filled(t: Trial) -> tuple[str, list[str]]:
    """A team that looks after every second customer, and their ids."""
    customers = await add_customers(t, [f"Customer {n:04}" for n in range(CUSTOMERS)])
    await fill_table(t, Interaction, CORE, 5)
    made = await t.gql('mutation { createTeam(input: {name: "North"}) { team { id } } }')
    team = str(made["createTeam"]["team"]["id"])
    table = table_of(Customer)
    async with t.host.database.transaction() as transaction:
        mine = table.c.id.in_(customers[::2])
        await transaction.run(update(table).where(mine).values(team_id=team))
    return team, customers[::2]


async def _measured(t: Trial, team: str, customers: Sequence[str]) -> dict[str, list[float]]:
    """Milliseconds of CPU for each question, in the order of `ACTORS`."""
    found: dict[str, list[list[float]]] = {}
    for _ in range(ROUNDS):
        for question in QUESTIONS:
            rounds = found.setdefault(question.name, [[] for _ in ACTORS])
            for who, times in zip(ACTORS, rounds, strict=True):
                who(t, team)
                times.append(await _round(t, question.document, question.writes, customers))
    return {
        name: [statistics.median(each[1:]) for each in rounds] for name, rounds in found.items()
    }


async def _round(t: Trial, document: str, writes: bool, customers: Sequence[str]) -> float:
    variables: dict[str, Any] = {}
    if "$id" in document:
        variables["id"] = customers[0]
    if writes:
        said = {"direction": "INBOUND", "channel": "email", "kind": "note", "subject": "Hello"}
        variables["input"] = {"customerId": customers[0], **said}
    began = time.process_time()
    for _ in range(CALLS):
        await t.gql(document, **variables)
    return (time.process_time() - began) * 1000 / CALLS


def _show(engine: str, found: dict[str, list[float]]) -> None:
    print(f"\n{engine}, ms of CPU a request: everything, manager, team; × everything")
    for name, (all_, named, narrow) in found.items():
        ratios = f"{named / all_:.2f}  {narrow / all_:.2f}"
        print(f"{name:4} {all_:7.2f} {named:7.2f} {narrow:7.2f}   {ratios}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or ["sqlite", "postgresql"]))

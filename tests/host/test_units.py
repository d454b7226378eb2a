"""What a context allows in a unit of work and outside it, on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import ForeignKey, Text, select, table, text
from sqlalchemy.orm import Mapped

from crmkit.host.builders import EventBuilder
from crmkit.host.context import Context
from crmkit.host.dispatch import hook, hookspec
from crmkit.host.drafts import Draft, DraftsRefused
from crmkit.host.events import Event
from crmkit.host.manifest import Plugin
from crmkit.store.audit import Audit
from crmkit.store.database import Base, Record, column, table_of, unscoped
from crmkit.testing import crm
from crmkit.values.errors import Forbidden, Refused
from tests.host.tiny import plugin

pytestmark = pytest.mark.anyio


class Letter(Record):
    __tablename__ = "letters_letter"
    __scope__ = unscoped("tests")

    body: Mapped[str] = column(Text, personal=False)


class Stamp(Base):
    """A side table: one row for each letter."""

    __tablename__ = "letters_stamp"
    __scope__ = unscoped("tests")

    letter_id: Mapped[str] = column(ForeignKey("letters_letter.id"), primary_key=True)
    cents: Mapped[int] = column(default=85)


@dataclass(frozen=True)
class LettersSent(Event):
    ids: tuple[str, ...]


told: list[Any] = []


class Letters(Plugin):
    name = "letters"
    version = "1.0"

    def register_events(self, events: EventBuilder) -> None:
        events.add(LettersSent)

        @events.on("letters.LettersSent")
        async def on_sent(context: Context[Any], event: LettersSent) -> None:
            told.append((context.plugin, context.actor.kind, event))


async def bodies(host: Any) -> list[str]:
    return [body for (body,) in await host.context("letters").read(select(Letter.body))]


async def test_refusals_are_raised_together_and_nothing_is_written(open_host: Any) -> None:
    async def body(context: Context[Any]) -> None:
        context.write.add(Letter(body="a"))
        for index, text_ in enumerate(("a", "b")):
            draft = Draft(text_, index)
            context.refuse(draft, f"Not {text_}.", reason="letters.not_today", field="body")

    host = await open_host(Letters)
    with pytest.raises(DraftsRefused) as refused:
        await host.run_unit("letters", body, operation="send")
    assert [each.message for each in refused.value.problems] == ["Not a.", "Not b."]
    assert (refused.value.reason, refused.value.plugin) == ("letters.not_today", "letters")
    assert await bodies(host) == []


async def test_what_a_unit_wrote_is_there_with_an_audit_row(open_host: Any) -> None:
    async def body(context: Context[Any]) -> str:
        context.write.add(Letter(body="a"))
        return "done"

    host = await open_host(Letters)
    made = await host.run_unit("letters", body, operation="send", request_id="request_1")
    assert made == "done"
    assert await bodies(host) == ["a"]
    columns = select(Audit.actor, Audit.operation, Audit.request_id)
    assert await host.database.fetch(columns) == [("system", "send", "request_1")]


async def test_a_failure_in_a_unit_names_its_plugin(open_host: Any) -> None:
    async def body(context: Context[Any]) -> None:
        raise Refused("No.")

    host = await open_host(Letters)
    with pytest.raises(Refused) as refused:
        await host.run_unit("letters", body, operation="send")
    assert refused.value.plugin == "letters"


async def test_writing_outside_a_unit_is_a_mistake_that_names_the_plugin(open_host: Any) -> None:
    context = (await open_host(Letters)).context("letters")
    with pytest.raises(RuntimeError, match="letters writes outside a unit"):
        context.write.add(Letter(body="a"))


async def test_rules_read_the_own_tables_and_the_cores_but_no_neighbours(open_host: Any) -> None:
    host = await open_host(Letters, plugin("stamps"))
    own, neighbour = host.context("letters"), host.context("stamps")
    assert await own.rules(select(Letter.body)) == []
    assert await own.rules(select(Audit.actor)) == []
    with pytest.raises(Forbidden, match="stamps may not read letters_letter"):
        await neighbour.rules(select(Letter.body))
    with pytest.raises(Forbidden, match="stamps may not read letters_letter"):
        await neighbour.rules(select(table("letters_letter")))


async def test_rules_read_what_a_neighbour_shows_in_its_api(install: Any, open_host: Any) -> None:
    api = "from tests.host.test_units import Letter"
    install("stamps", plugin=ENTRY, api=api)
    host = await open_host(plugin("mail", works_with=("stamps",)), Letters, enabled=("stamps",))
    assert await host.context("mail").rules(select(Letter.body)) == []
    with pytest.raises(Forbidden, match="letters_stamp"):
        await host.context("mail").rules(select(Stamp.cents))


async def test_sql_as_text_needs_a_reason_which_is_audited(open_host: Any) -> None:
    context = (await open_host(Letters)).context("letters", request_id="request_1")
    statement = text("SELECT 1")
    for read in (context.read, context.rules):
        with pytest.raises(Forbidden):
            await read(statement)
    everything = await context.unscoped("counting for the yearly report")
    assert await everything.read(statement) == [(1,)]
    [(operation,)] = await context.rules(select(Audit.operation))
    assert operation == "letters: unscoped, counting for the yearly report"


async def test_leaving_the_scopes_in_a_unit_is_audited_with_it(open_host: Any) -> None:
    async def body(context: Context[Any]) -> int:
        context.write.add(Letter(body="a"))
        everything = await context.unscoped("a check")
        return len(await everything.read(text("SELECT body FROM letters_letter")))

    host = await open_host(Letters)
    assert await host.run_unit("letters", body, operation="send") == 1
    found = await host.database.fetch(select(Audit.operation))
    assert sorted(found) == [("letters: unscoped, a check",), ("send",)]


async def test_a_handler_is_told_after_the_commit_as_its_plugin(open_host: Any) -> None:
    async def body(context: Context[Any]) -> None:
        context.emit(LettersSent("letter_1", ids=("letter_1", "letter_2")))

    told.clear()
    host = await open_host(Letters)
    await host.run_unit("letters", body, operation="send")
    assert told == []
    await host.relay.drain()
    assert told == [("letters", "plugin", LettersSent("letter_1", ids=("letter_1", "letter_2")))]


async def test_an_event_that_nobody_registered_is_a_mistake(open_host: Any) -> None:
    async def body(context: Context[Any]) -> None:
        context.emit(Event("letter_1"))

    host = await open_host(Letters)
    with pytest.raises(RuntimeError, match=r"say events\.add in register_events"):
        await host.run_unit("letters", body, operation="send")


async def test_a_nested_context_has_refusals_of_its_own(open_host: Any) -> None:
    async def body(context: Context[Any]) -> int:
        context.nested("core").refuse(Draft("a"), "No.", reason="letters.no")
        return len(context.refusals)

    host = await open_host(Letters)
    assert await host.run_unit("letters", body, operation="send") == 0


async def test_preparing_adds_the_side_rows_that_are_missing_and_runs_presets(
    open_host: Any,
) -> None:
    async def first(context: Context[Any]) -> None:
        context.write.add(Letter(body="first"))

    async def preset(context: Context[Any]) -> None:
        context.write.add(Letter(body="preset"))

    host = await open_host(Letters)
    await host.run_unit("letters", first, operation="send")
    host.sides = {table_of(Letter): (Stamp,)}
    await host.prepare(preset)
    assert await host.database.fetch(select(Stamp.cents)) == [(85,), (85,)]


async def test_plugins_are_started_and_stopped_with_the_app(open_host: Any) -> None:
    seen = []

    async def startup(self: Plugin, app: Any) -> None:
        seen.append("up")

    async def shutdown(self: Plugin, app: Any) -> None:
        seen.append("down")

    host = await open_host(plugin("mail", startup=startup, shutdown=shutdown))
    await host.start()
    await host.stop()
    assert seen == ["up", "down"]


class Offers:
    @staticmethod
    @hookspec
    async def letters_sent(context: Context[Any]) -> None:
        """Adds what follows from letters."""


async def test_no_hook_pays_for_waiting_until_others_have_written(open_host: Any) -> None:
    @hook
    async def letters_sent(self: Plugin, context: Context[Any]) -> None:
        context.write.add(Letter(body="a"))
        await context.rules(select(Letter.body))

    async def body(context: Context[Any]) -> None:
        await context.call(Offers.letters_sent)

    host = await open_host(plugin("letters", hookspecs=Offers, letters_sent=letters_sent))
    host.hooks.limit = 1
    async with host.database.transaction():  # On SQLite, this is the one writer.
        sending = asyncio.create_task(host.run_unit("letters", body, operation="send"))
        await asyncio.wait({sending}, timeout=1.2 * host.hooks.limit)
    await sending
    assert await bodies(host) == ["a"]


ENTRY = """
from crmkit.host.manifest import Plugin

class Entry(Plugin):
    name = "stamps"
    version = "1.0"
"""


async def test_the_api_of_a_neighbour_is_there_where_the_neighbour_is(engine: str) -> None:
    friend = plugin("friend", works_with=("letters>=1", "absent>=1"))
    async with crm(Letters, friend, plugin("stranger"), engine=engine) as t:
        context = t.host.context("friend")
        assert context.neighbour("absent") is None
        assert t.host.loaded["letters"].api is context.neighbour("letters")
        with pytest.raises(RuntimeError, match="add letters to its works_with"):
            t.host.context("stranger").neighbour("letters")

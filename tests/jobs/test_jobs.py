"""What plugins do later, as they, clients and operators see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import select

from crmkit import sdk
from crmkit.host.manifest import Plugin
from crmkit.store.audit import Audit
from crmkit.testing import Trial, add_customers, crm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.host.builders import PermissionBuilder, SchemaBuilder
    from crmkit.host.jobs import JobBuilder

pytestmark = pytest.mark.anyio

JOBS = "{ jobs { nodes { id name key state tries done total endedAt } } }"


@dataclass(frozen=True)
class Letters:
    """Whom letters still have to be written to."""

    customer_ids: tuple[str, ...]
    total: int


@dataclass(frozen=True)
class WriteLetters:
    """Letters to everybody."""

    key: str | None = None
    """No two of them wait."""


@dataclass(frozen=True)
class WroteLetters:
    """The work, begun."""

    customers: int
    """How many get one."""


class Post(Plugin):
    """Notes a letter for each customer, some at a time."""

    name = "post"
    version = "1.0"
    broken = False

    def register_schema(self, schema: SchemaBuilder) -> None:
        schema.add(write_letters)

    def register_permissions(self, permissions: PermissionBuilder) -> None:
        permissions.add("post.letter.write", "Write letters.")

    def register_jobs(self, jobs: JobBuilder) -> None:
        jobs.job(letters, retries=1)
        jobs.cron("0 9 * * mon")(monday)


@sdk.mutation(permission="post.letter.write")
async def write_letters(context: sdk.Context[Any], input: WriteLetters) -> WroteLetters:
    """Writes letters later."""
    found = await context.rules(select(sdk.rows.Customer.id).order_by(sdk.rows.Customer.name))
    ids = tuple(id_ for (id_,) in found)
    context.enqueue(letters, Letters(ids, len(ids)), key=input.key)
    return WroteLetters(customers=len(ids))


async def letters(context: sdk.Context[Any], payload: Letters) -> Letters | None:
    [first, *rest] = payload.customer_ids
    await _note(context, first)
    context.progress(payload.total - len(rest), payload.total)
    if Post.broken:
        raise RuntimeError("out of paper")
    return Letters(tuple(rest), payload.total) if rest else None


async def monday(context: sdk.Context[Any]) -> None:
    [(first,)] = await context.rules(select(sdk.rows.Customer.id).limit(1))
    await _note(context, first)


async def _note(context: sdk.Context[Any], customer: str) -> None:
    letter = sdk.RecordInteraction(customer, "letter", sdk.Direction.OUTBOUND, "letter")
    await sdk.interactions.record(context, [letter])


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    """Failures are told in a line: drawing where they happened takes a second each."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(["event"])])


@pytest.fixture
async def t(engine: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trial]:
    monkeypatch.setattr(Post, "broken", False)
    async with crm(Post, engine=engine, organisation={"zone": "Europe/Berlin"}) as trial:
        yield trial


async def begin(t: Trial, key: str | None = None) -> None:
    await t.gql(
        "mutation ($key: String) { writeLetters(input: {key: $key}) { customers } }", key=key
    )


async def jobs(t: Trial) -> list[dict[str, Any]]:
    found = await t.gql(JOBS)
    return [each for each in found["jobs"]["nodes"] if each["name"].startswith("post.")]


async def noted(t: Trial) -> int:
    return int((await t.gql("{ interactions { totalCount } }"))["interactions"]["totalCount"])


async def test_a_job_of_many_chunks_is_done_after_the_mutation(t: Trial) -> None:
    await add_customers(t, ["Ada", "Bob", "Cid"])
    await begin(t)
    [waiting] = await jobs(t)
    assert (waiting["state"], waiting["done"], await noted(t)) == ("WAITING", None, 0)
    await t.drain()
    [done] = await jobs(t)
    assert (done["state"], done["done"], done["total"]) == ("DONE", 3, 3)
    assert done["endedAt"]
    assert await noted(t) == 3


async def test_each_chunk_is_audited_as_the_plugins(t: Trial) -> None:
    await add_customers(t, ["Ada", "Bob"])
    await begin(t)
    await t.drain()
    units = await t.host.database.fetch(
        select(Audit.actor, Audit.request_id).where(Audit.operation == "post.letters")
    )
    assert [actor for actor, _ in units] == ["post", "post"]
    assert len({request for _, request in units}) == 1


async def test_what_was_given_up_can_be_tried_again(t: Trial) -> None:
    await add_customers(t, ["Ada"])
    Post.broken = True
    await begin(t)
    await t.drain()
    t.clock.move(minutes=1)
    await t.drain()
    [dead] = await jobs(t)
    assert (dead["state"], dead["tries"], await noted(t)) == ("DEAD", 2, 0)
    Post.broken = False
    again = "mutation ($id: ID!) { retryJob(input: {id: $id}) { job { state } } }"
    assert (await t.gql(again, id=dead["id"]))["retryJob"]["job"]["state"] == "WAITING"
    await t.drain()
    assert await noted(t) == 1
    [error] = await t.errors(again, id=dead["id"])
    assert error["extensions"]["reason"] == "core.job_not_given_up"


async def test_a_cancelled_job_is_not_done(t: Trial) -> None:
    await add_customers(t, ["Ada"])
    await begin(t)
    [waiting] = await jobs(t)
    cancel = "mutation ($id: ID!) { cancelJob(input: {id: $id}) { job { state } } }"
    assert (await t.gql(cancel, id=waiting["id"]))["cancelJob"]["job"]["state"] == "CANCELLED"
    await t.drain()
    assert await noted(t) == 0
    [error] = await t.errors(cancel, id=waiting["id"])
    assert error["extensions"]["reason"] == "core.job_settled"


async def test_of_one_key_one_job_waits(t: Trial) -> None:
    await add_customers(t, ["Ada"])
    for _ in range(3):
        await begin(t, key="all")
    assert [each["key"] for each in await jobs(t)] == ["all"]
    await t.drain()
    assert await noted(t) == 1


async def test_mondays_at_nine_come_by_the_clocks_of_the_organisation(t: Trial) -> None:
    await add_customers(t, ["Ada"])
    await t.drain()
    # The first Monday is 5 January 2026; nine in Berlin is eight in UTC.
    t.clock.move(days=4, hours=7, minutes=59)
    await t.drain()
    assert await noted(t) == 0
    t.clock.move(minutes=1)
    await t.drain()
    assert await noted(t) == 1
    t.clock.move(days=6, hours=23)
    await t.drain()
    assert await noted(t) == 1


async def test_what_has_been_settled_for_long_is_forgotten(t: Trial) -> None:
    await add_customers(t, ["Ada"])
    await begin(t)
    await t.drain()
    t.clock.move(days=8)
    await t.drain()
    t.clock.move(days=1)
    await t.drain()
    assert "post.letters" not in {each["name"] for each in await jobs(t)}

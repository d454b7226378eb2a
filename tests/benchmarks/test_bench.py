from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import pytest

from crmkit import testing
from crmkit.graph.endpoint import GraphQL
from crmkit.host.discovery import discover, imported
from crmkit.testing import Trial
from crmkit_loyalty import service as loyalty
from tests.benchmarks import taught
from tests.benchmarks.company import Size
from tests.benchmarks.filling import fill
from tests.benchmarks.growth import reading
from tests.benchmarks.limit import Limit
from tests.benchmarks.load import PLACE
from tests.benchmarks.questions import QUESTIONS, Question, plain

pytestmark = pytest.mark.anyio

SIZE = Size(customers=120, interactions=900, entries=600, tickets=120)
RECORD = {"channel": "email", "direction": "INBOUND", "kind": "note"}


async def test_crmkit_answers_the_benchmark_as_others_do(engine: str) -> None:
    plugins = [imported(each) for each in discover()]
    async with testing.crm(*plugins, engine=engine) as t:
        await fill(t.host.settings.database.url, SIZE)
        await t.crm.prepare()
        await check_accounts(t)
        async with Limit(t.host.settings.database.url).running() as limit:
            for question in QUESTIONS:
                ours, by_hand = await arguments(question, t.answer)
                answer = plain(question, await t.answer(question.document, ours))
                wanted = orjson.loads(await limit.answer(question.name, by_hand))
                assert answer == plain(question, wanted)
                if engine == "postgresql":  # On SQLite it takes a driver that tests do without.
                    await check_taught(question, t.host.settings.database.url, answer)


async def check_taught(question: Question, address: str, wanted: Any) -> None:
    app = taught.App(address)
    given, _ = await arguments(question, app.answer)
    assert plain(question, await app.answer(question.document, given)) == wanted
    await app.close()


async def test_a_page_is_read_without_the_pages_before_it() -> None:
    plugins = [imported(each) for each in discover()]
    one = {"pool_size": 1}  # Then what is set is set for all statements.
    async with testing.crm(*plugins, engine="postgresql", database=one) as t:
        size = Size(customers=4_000, interactions=4_000, entries=100, tickets=100)
        await fill(t.host.settings.database.url, size)
        await t.crm.prepare()
        # As autovacuum leaves it: plans depend on it.
        await t.host.database.rows("VACUUM ANALYZE", [])
        # As of tables and indexes that are too large to be read as a whole.
        for way in ("enable_seqscan", "enable_indexonlyscan"):
            await t.host.database.rows("SELECT set_config($1, 'off', false)", [way])
        last = await t.gql("{ customers(last: 60) { edges { cursor } } }")
        asked = [{"after": last["customers"]["edges"][0]["cursor"]}]
        for question in [each for each in QUESTIONS if each.name in ("Q2", "Q3")]:
            endpoint = GraphQL(t.crm.schema, t.host)
            read = await reading(endpoint, t.host.database, question, asked)
            assert 50 <= read.rows < 1_000, read


async def check_accounts(t: Trial) -> None:
    async def body(context: Any) -> None:
        async for part in loyalty.verify(context):
            assert part.count
            assert not part.wrong

    await t.unit(body, plugin="loyalty")


async def arguments(
    question: Question, ask: Callable[[str, Mapping[str, Any]], Awaitable[Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to ask about one customer, with the cursor of whoever answers and by hand."""
    order = f"({question.after})" if question.after else ""
    found = await ask(f"{{ customers{order} {{ edges {{ cursor node {{ id }} }} }} }}", {})
    edge = found["data"]["customers"]["edges"][8]
    id_ = edge["node"]["id"]
    if question.after is not None:
        return {"after": edge["cursor"]}, {"after": id_}
    key = {"idempotencyKey": PLACE.decode()} if question.name == "Q4k" else {}
    both = {"input": RECORD | key | {"customerId": id_}} if question.writes else {"id": id_}
    return both, both

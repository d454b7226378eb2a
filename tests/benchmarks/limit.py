"""What somebody would write who wanted nothing but these answers: the limit.

    python -m tests.benchmarks.limit ADDRESS

A bare ASGI application with one hand-written statement a question, which makes the whole answer
as JSON in the database. Loop, parser and sizes of pools are those of `crmkit serve`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from crmkit.settings import DatabaseSettings
from crmkit.store.column_types import instant
from crmkit.values.clock import SystemClock
from crmkit.values.ids import new_id
from tests.benchmarks.serving import serve

_OPEN = "('new', 'open', 'pending', 'on_hold')"
_INSERT = """INSERT INTO interaction
  (id, created_at, customer_id, channel_id, direction, kind, occurred_at, actor)
  VALUES ({})"""


@dataclass(frozen=True)
class Dialect:
    """How an engine says what all statements need."""

    place: str
    object: str
    array: str
    members: str
    time: str
    text: str
    json: str
    boolean: str


POSTGRESQL = Dialect(
    place="$1",
    object="json_build_object",
    array="coalesce(json_agg({}), '[]')",
    members="json_object_agg",
    time="""to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    text="{}::text",
    json="{}",
    boolean="{}",
)
SQLITE = Dialect(
    place="?1",
    object="json_object",
    array="json_group_array({})",
    members="json_group_object",
    time="{}",
    text="CAST({} AS TEXT)",
    json="json({})",
    boolean="json(CASE WHEN {} THEN 'true' ELSE 'false' END)",
)


class Statements:
    """The text of each question in one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.channels = f"SELECT {dialect.members}(key, id) FROM channel"
        self.reads = {
            "Q1": self._one(),
            "Q2": self._fifty(),
            "Q3": self._thousand(),
            "Q5": self._nodes(),
            "Q5e": self._edges(),
        }

    def _one(self) -> str:
        data = self._object(data=self._object(node=self._customer()))
        return (
            f"SELECT {data} FROM customer WHERE id = {self._dialect.place} AND deleted_at IS NULL"
        )

    def _fifty(self) -> str:
        stage = f"(SELECT {self._object(key='key', position='position')} FROM stage WHERE id = stage_id)"
        customer = self._object(
            id="id",
            name="name",
            stage=self._dialect.json.format(stage),
            loyaltyPoints=f"""(SELECT {self._dialect.text.format("balance")}
                FROM loyalty_account WHERE customer_id = c.id)""",
            openTickets=f"""(SELECT count(*) FROM feedback_ticket
                WHERE customer_id = c.id AND state IN {_OPEN})""",
            interactions=self._object(nodes=self._dialect.json.format(self._last_five())),
        )
        return f"""SELECT {self._list(nodes=self._array(customer))} FROM (
            SELECT id, name, stage_id FROM customer
            WHERE deleted_at IS NULL AND id > {self._dialect.place} ORDER BY id LIMIT 50) c"""

    def _last_five(self) -> str:
        said = self._object(
            id="id",
            kind="kind",
            direction="upper(direction)",
            subject="subject",
            occurredAt=self._time("occurred_at"),
            channel=self._object(key="channel"),
        )
        return f"""(SELECT {self._array(said)} FROM (
            SELECT i.id, i.kind, direction, subject, occurred_at, h.key AS channel
            FROM interaction i
            JOIN interaction_content ON interaction_id = i.id
            JOIN channel h ON h.id = i.channel_id
            WHERE i.customer_id = c.id
            ORDER BY occurred_at DESC, i.id DESC LIMIT 5) l)"""

    def _thousand(self) -> str:
        nodes = self._array(self._customer(locale="locale"))
        return f"""SELECT {self._list(nodes=nodes)} FROM (
            SELECT id, name, kind, source, created_at, locale FROM customer
            WHERE deleted_at IS NULL AND id > {self._dialect.place} ORDER BY id LIMIT 1000) c"""

    def _nodes(self) -> str:
        return f"SELECT {self._list(nodes=self._array(self._customer()))} FROM ({self._page(50)}) c"

    def _edges(self) -> str:
        # One more than the page tells whether there is another.
        more = self._dialect.boolean.format("(SELECT count(*) > 50 FROM page)")
        last = "(SELECT id FROM page LIMIT 1 OFFSET 49)"
        edges = self._array(self._object(cursor="id", node=self._customer()))
        listed = self._list(edges=edges, pageInfo=self._object(hasNextPage=more, endCursor=last))
        return f"""WITH page AS MATERIALIZED ({self._page(51)})
            SELECT {listed} FROM (SELECT * FROM page LIMIT 50) c"""

    def _page(self, size: int) -> str:
        """Begins behind the customer whose id is the cursor."""
        return f"""SELECT id, name, kind, source, created_at FROM customer
            WHERE deleted_at IS NULL AND kind = 'person' AND (name_sort, id) >
              (SELECT name_sort, id FROM customer WHERE id = {self._dialect.place})
            ORDER BY name_sort, id LIMIT {size}"""

    def _customer(self, **more: str) -> str:
        kind, created = "upper(kind)", self._time("created_at")
        return self._object(
            id="id", name="name", kind=kind, source="source", createdAt=created, **more
        )

    def _list(self, **members: str) -> str:
        return self._object(data=self._object(customers=self._object(**members)))

    def _object(self, **members: str) -> str:
        inside = ", ".join(f"'{name}', {value}" for name, value in members.items())
        return f"{self._dialect.object}({inside})"

    def _array(self, element: str) -> str:
        return self._dialect.array.format(element)

    def _time(self, column: str) -> str:
        return self._dialect.time.format(column)


Read = Callable[[str, Sequence[Any]], Awaitable[str]]
Write = Callable[[Sequence[Any]], Awaitable[Any]]


class Limit:
    """The application."""

    def __init__(self, address: str) -> None:
        self._address = address
        on_sqlite = address.startswith("sqlite")
        self._statements = Statements(SQLITE if on_sqlite else POSTGRESQL)
        self._open = _sqlite if on_sqlite else _postgresql
        self._moment: Callable[[Any], Any] = instant if on_sqlite else lambda at: at
        self._channels: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = await self.answer(scope["path"][1:], orjson.loads(body))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Limit]:
        """Opens the database, as long as it is needed."""
        async with self._open(self._address) as (self._read, self._write):
            self._channels = orjson.loads(await self._read(self._statements.channels, []))
            yield self

    async def answer(self, name: str, asked: Mapping[str, Any]) -> bytes:
        """Answers the question of this name."""
        if (given := asked.get("input")) is not None:
            return await self._record(given)
        sql = self._statements.reads[name]
        return (await self._read(sql, [asked.get("id") or asked["after"]])).encode()

    async def _record(self, given: Mapping[str, Any]) -> bytes:
        """One row, and no word of who, why and whether it was there already."""
        id_, at = new_id("interaction"), self._moment(SystemClock().now())
        way = given["direction"].lower()
        channel = self._channels[given["channel"]]
        row = [id_, at, given["customerId"], channel, way, given["kind"], at, "system"]
        await self._write(row)
        made = {"id": id_, "kind": given["kind"], "direction": given["direction"]}
        return orjson.dumps({"data": {"recordInteraction": {"interaction": made}}})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def _postgresql(address: str) -> AsyncGenerator[tuple[Read, Write]]:
    async def left_alone(_: Any) -> None: ...

    size = DatabaseSettings().pool_size
    pool = await asyncpg.create_pool(address, min_size=1, max_size=size, reset=left_alone)
    sql = _INSERT.format(", ".join(f"${n}" for n in range(1, 9)))
    yield lambda text, given: pool.fetchval(text, *given), lambda row: pool.execute(sql, *row)
    await pool.close()


@asynccontextmanager
async def _sqlite(address: str) -> AsyncGenerator[tuple[Read, Write]]:
    loop, own = asyncio.get_running_loop(), threading.local()
    readers, writer = ThreadPoolExecutor(DatabaseSettings().readers), ThreadPoolExecutor(1)
    opened: list[sqlite3.Connection] = []
    sql = _INSERT.format(", ".join("?" * 8))

    def execute(text: str, given: Sequence[Any]) -> Any:
        if not hasattr(own, "connection"):
            path = address.removeprefix("sqlite:///")
            own.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            opened.append(own.connection)
            for pragma in ("busy_timeout = 10000", "foreign_keys = ON", "synchronous = NORMAL"):
                own.connection.execute(f"PRAGMA {pragma}")
        return own.connection.execute(text, given).fetchall()

    async def read(text: str, given: Sequence[Any]) -> str:
        [(found,)] = await loop.run_in_executor(readers, execute, text, given)
        return str(found)

    yield read, lambda row: loop.run_in_executor(writer, execute, sql, row)
    for threads in (readers, writer):
        threads.shutdown()
    for connection in opened:
        connection.close()


if __name__ == "__main__":
    serve(Limit(sys.argv[1]))

from __future__ import annotations

import asyncio
import csv
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from tests.cli.conftest import Run

HEADER = "customer,date,quantity,amount"
GOOD = "张伟,1997-01-01,1,11.77"
SAMPLE = Path(__file__).parents[2] / "examples" / "data" / "cdnow_orders.csv"
ORDERS = "SELECT count(*), sum(total_minor), count(DISTINCT customer_id) FROM orders_order"


def imported(run: Run, content: bytes, *options: str) -> str:
    Path("orders.csv").write_bytes(content)
    ended = run("import", "orders", "orders.csv", "--source", "shop", *options)
    assert ended.code == 0, ended.err
    return ended.out.partition(" in ")[0]


def rejected() -> list[list[str]]:
    with Path("orders.rejects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def asked(url: str, sql: str) -> tuple[int, ...]:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            return tuple(connection.execute(sql).fetchone())

    async def fetch() -> tuple[int, ...]:
        connection = await asyncpg.connect(url)
        try:
            return tuple(await connection.fetchrow(sql))
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_a_file_goes_in_once_however_often_it_is_read(upgraded: Run, database_url: str) -> None:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        cents = [int(Decimal(row["amount_usd"]) * 100) for row in csv.DictReader(file)]
    say = ("import", "orders", str(SAMPLE), "--source", "cdnow", "--currency", "USD")
    assert upgraded(*say).out.startswith("6,937 created, 0 unchanged, 0 rejected")
    before = asked(database_url, ORDERS)
    assert before == (6937, sum(cents), 2357)
    assert upgraded(*say).out.startswith("0 created, 6,937 unchanged, 0 rejected")
    assert asked(database_url, ORDERS) == before
    # A point for each whole unit, counted by hand.
    assert f"hold {sum(each // 100 for each in cents)} points" in upgraded("loyalty", "verify").out


def test_broken_lines_are_put_aside_with_their_reason_and_the_good_ones_go_in(
    upgraded: Run,
) -> None:
    lines = [
        HEADER,
        GOOD,
        "b,1997-13-01,1,1.00",
        "c,1997-01-01,-1,1.00",
        "d,1997-01-01,1",
        "e,1997-01-01,1,1.00,1",
        "f,1997-01-01,1,much",
        ",1997-01-01,1,1.00",
        "g,1997-01-01,1,1.001",
        "",
        "h,1997-01-01,1,0.00",
        'i,1997-01-01,1,"1.00"x',
        "j\0,1997-01-01,1,1.00",
    ]
    content = "\n".join(lines).encode() + b"\nk\xff,1997-01-01,1,1.00\n"
    assert (
        imported(upgraded, content, "--encoding", "utf-8") == "2 created, 0 unchanged, 10 rejected"
    )
    reasons = {int(line): reason for line, reason, *_ in rejected()}
    assert [*reasons] == [3, 4, 5, 6, 7, 8, 9, 12, 13, 14]
    assert "1997-13-01" in reasons[3]
    assert "quantity" in reasons[4]
    assert reasons[5] == "It has 3 cells, and the header has 4."


def test_a_file_without_a_column_that_is_needed_is_not_begun(upgraded: Run) -> None:
    Path("orders.csv").write_text("customer,date,quantity\n", encoding="utf-8")
    ended = upgraded("import", "orders", "orders.csv", "--source", "shop")
    assert ended.code == 1
    assert ended.err.strip() == "orders.csv has no column amount or amount_usd."


def test_what_no_plugin_takes_in_is_said_with_what_can_be(upgraded: Run) -> None:
    Path("tickets.csv").write_text("id\n", encoding="utf-8")
    ended = upgraded("import", "tickets", "tickets.csv", "--source", "shop")
    assert (ended.code, ended.err.strip()) == (
        1,
        "No plugin takes in tickets; what can be taken in: orders.",
    )

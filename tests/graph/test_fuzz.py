"""Whatever is sent, nobody is told of SQL, of files, of drivers or of a traceback.

`CRMKIT_SOAK=1` sends ten thousand requests instead of some hundred, and others each time.
"""

from __future__ import annotations

import os
import re
import secrets

import httpx2
import pytest
import structlog

from crmkit_orders.plugin import Orders
from tests.graph.conftest import served
from tests.graph.fuzzing import Fuzzed, requests
from tests.graph.test_errors import Breaking

pytestmark = pytest.mark.anyio

SOAK = bool(os.environ.get("CRMKIT_SOAK"))
REQUESTS = 5000 if SOAK else 150  # on each engine
SEED = secrets.randbits(32) if SOAK else 7

# None of the requests says any of this.
LEAK = re.compile(
    r"SELECT |INSERT |UPDATE |DELETE |RETURNING|asyncpg|sqlite|postgres|psycopg|sqlalchemy"
    r"|Traceback|File \\?\"|\.py\b|site-packages|Errno|Exception|Error\(|0x7f|crmkit[./]"
)


async def test_no_answer_tells_of_what_is_inside_and_what_is_masked_is_in_the_log(
    engine: str,
) -> None:
    masked = 0
    async with served(Breaking, Orders, engine=engine) as (http, _):
        for number, request in enumerate(requests(SEED, REQUESTS)):
            with structlog.testing.capture_logs() as logged:
                answer = await _sent(http, request)
            where = f"seed {SEED}, request {number}: {request}"
            assert not LEAK.search(answer.text), f"{where}\n{answer.text}"
            if answer.status_code >= 500 or '"INTERNAL"' in answer.text:
                # Only what a test has broken on purpose is a surprise.
                assert b"breakThings" in request.content, f"{where}\n{answer.text}\n{logged}"
                masked += 1
                [error] = answer.json()["errors"]
                told = [each.get("correlation_id") for each in logged]
                assert error["extensions"]["correlationId"] in told, where
    assert masked > 0


async def _sent(http: httpx2.AsyncClient, request: Fuzzed) -> httpx2.Response:
    return await http.request(
        request.method, request.path, headers=request.headers, content=request.content
    )

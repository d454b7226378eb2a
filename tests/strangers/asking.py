"""What an app of the settings in this folder answers, run as a process of its own.

    python asking.py DOCUMENT…    prints an answer a line; handlers are told after each

`CUSTOMER` in a document stands for the id of the first customer.
"""

from __future__ import annotations

import asyncio
import sys

import orjson

from crmkit.cli.running import log_to_stderr, opened
from crmkit.graph.endpoint import GraphQL
from crmkit.settings import load_settings

FIRST = "{ customers(first: 1, orderBy: [CREATED_AT_ASC]) { nodes { id } } }"


async def answer(documents: list[str]) -> None:
    async with opened(load_settings()) as crm:
        endpoint = GraphQL(crm.schema, crm.host)
        for each in documents:
            found = (await endpoint.execute(FIRST))["data"]["customers"]["nodes"]
            document = each.replace("CUSTOMER", found[0]["id"] if found else "")
            made = await endpoint.execute(document)
            await crm.host.relay.drain()
            print(orjson.dumps(made, default=str).decode())  # noqa: T201  whoever runs it reads it


if __name__ == "__main__":
    log_to_stderr()
    asyncio.run(answer(sys.argv[1:]))

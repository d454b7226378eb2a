from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import httpx2
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from crmkit.app import routes
from crmkit.cli.connections import Connection, Socket
from crmkit.graph.endpoint import GraphQL
from crmkit.testing import crm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from crmkit import sdk
    from crmkit.graph.endpoint import SignIn
    from crmkit.testing import Trial

PATIENCE = 60  # seconds, which only what hangs takes
PROTOCOL = Subprotocol("graphql-transport-ws")
CHANGED = "subscription { customersChanged { event nodes { id name } gone } }"
ADD = "mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }"


class Server(uvicorn.Server):
    """A server in this process, that says when it answers."""

    def __init__(self, app: Any) -> None:
        http = cast("Any", partial(Connection, seconds=PATIENCE))
        config = uvicorn.Config(
            app,
            http=http,
            ws=Socket,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Served:
    """An app on trial, and where its clients connect."""

    def __init__(self, trial: Trial, graphql: GraphQL, port: int) -> None:
        self.t, self.graphql, self.port = trial, graphql, port

    async def add(self, name: str) -> str:
        made = await self.t.gql(ADD, name=name)
        return str(made["createCustomer"]["customer"]["id"])

    def open(self, protocol: str = PROTOCOL, **given: Any) -> Any:
        url = f"ws://127.0.0.1:{self.port}/graphql"
        return connect(url, subprotocols=[Subprotocol(protocol)], open_timeout=PATIENCE, **given)

    @asynccontextmanager
    async def client(self, **params: Any) -> AsyncGenerator[Client]:
        async with self.open() as opened:
            made = Client(opened)
            await made.say(type="connection_init", payload=params)
            assert await made.hear() == {"type": "connection_ack"}
            yield made

    @asynccontextmanager
    async def stream(self, document: str, **variables: Any) -> AsyncGenerator[AsyncIterator[Any]]:
        """The events of a request that has been begun."""
        body = {"query": document, "variables": variables}
        async with (
            httpx2.AsyncClient(timeout=PATIENCE) as http,
            http.stream(
                "POST",
                f"http://127.0.0.1:{self.port}/graphql",
                json=body,
                headers={"accept": "text/event-stream"},
            ) as answer,
        ):
            yield events(answer)


class Client:
    """One end of a websocket."""

    def __init__(self, opened: ClientConnection) -> None:
        self.socket = opened

    async def say(self, **message: Any) -> None:
        await self.send(message)

    async def send(self, message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.socket.recv())

    async def subscribe(self, document: str, id: str = "1", **variables: Any) -> None:
        """Asks, and knows when it hears everything."""
        payload = {"query": document, "variables": variables}
        await self.say(type="subscribe", id=id, payload=payload)
        await self.say(type="ping")
        assert await self.hear() == {"type": "pong"}

    async def told(self) -> Any:
        """The data of the next answer."""
        message = await self.hear()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def closed(self) -> tuple[int | None, str | None]:
        """How the server ends it."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason


async def events(answer: httpx2.Response) -> AsyncGenerator[Any]:
    """The events of a stream: their names and what they say."""
    name = ""
    async for line in answer.aiter_lines():
        kind, _, value = line.partition(":")
        if kind == "event":
            name = value.strip()
        elif kind == "data":
            yield name, json.loads(value) if value.strip() else None
        elif line == ":":
            yield "alive", None


@asynccontextmanager
async def served(
    *plugins: type[sdk.Plugin],
    engine: str = "sqlite",
    sign_in: SignIn | None = None,
    **live: Any,
) -> AsyncGenerator[Served]:
    """A real server of an app with these plugins and settings of those who stay connected."""
    patient = {"init_seconds": PATIENCE, "heartbeat_seconds": PATIENCE, **live}
    async with crm(*plugins, engine=engine, graphql={"live": patient}) as t:
        graphql = GraphQL(t.crm.schema, t.host, sign_in=sign_in or t.crm.sign_in)
        server = Server(Starlette(routes=routes(t.crm, graphql)))
        with socket.create_server(("127.0.0.1", 0)) as opened:
            serving = asyncio.create_task(server.serve([opened]))
            await server.ready.wait()
            try:
                yield Served(t, graphql, opened.getsockname()[1])
            finally:
                await graphql.live.close()
                server.should_exit = True
                await serving

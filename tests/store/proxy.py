"""A way to the embedded PostgreSQL that can be cut, slowed down, or swallow everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

_CHUNK = 65536


class Proxy:
    """Forwards bytes between clients at its own port and the server's socket."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._database = parts.path.lstrip("/")
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._open = asyncio.Event()
        self._open.set()
        self.swallowed = asyncio.Event()

    @property
    def address(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{self._database}"

    async def listen(self) -> None:
        """Lets clients in, again at the port of before."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Breaks every connection, and refuses new ones."""
        assert self._server is not None
        self._server.close()
        for each in self._writers:
            each.transport.abort()
        await self._server.wait_closed()

    def swallow(self) -> None:
        """Takes what is sent and answers nothing, as a broken network does."""
        self.swallowed.clear()
        self._open.clear()

    async def complain(self) -> None:
        """Tells all clients that it is over, as servers and poolers do before they close.

        Whoever comes after that is heard later, so by then they have heard it.
        """
        said = b"SFATAL\0VFATAL\0C08P01\0Mserver conn crashed?\0\0"
        for each in self._clients:
            each.write(b"E" + (len(said) + 4).to_bytes(4) + said)
            await each.drain()
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()
        await writer.wait_closed()

    def pass_on(self) -> None:
        """Forwards again, also what it swallowed."""
        self._open.set()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_server = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, to_server}
        self._clients.add(writer)
        try:
            await asyncio.gather(self._copy(reader, to_server), self._copy(there, writer))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for each in (writer, to_server):
                each.transport.abort()
                self._writers.discard(each)
                self._clients.discard(each)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            self.swallowed.set()
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxy(address: str) -> AsyncGenerator[Proxy]:
    """A proxy to the database at this address of the embedded server."""
    made = Proxy(address)
    await made.listen()
    try:
        yield made
    finally:
        made.pass_on()
        await made.cut()

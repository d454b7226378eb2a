"""Whom plugins ask over HTTP, and whom nobody makes them ask."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from crmkit.host.http import AddressRefused, Http, HttpError
from crmkit.settings import HttpSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

pytestmark = pytest.mark.anyio

# This machine and its networks, in all the ways in which resolvers and parsers read them.
LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7F.1",
    "0x7f.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "0177.0x0.0.1",
    "00000177.0.0.1",
    "127.0x1",
    "127.0.0.0x1",
    "localhost",
    "LOCALHOST",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "ⓛocalhost",
    "0",
    "0.0.0.0",  # noqa: S104
    "0x0",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
]
INNER = [
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::1]",
    "[fe80::1]",
    "[fe80::1%lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "10.0.0.1",
    "167772161",
    "172.16.0.1",
    "192.168.0.1",
    "0300.0250.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "0xa9fea9fe",
    "[::ffff:169.254.169.254]",
    "168.63.129.16",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]


@dataclass
class Server:
    """Counts who connects to this machine, and answers what it was told to."""

    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    port: int = 0
    reached: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.append(writer.get_extra_info("sockname")[0])
        self.heads.append(await reader.read(4096))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[Server]:
    """On all addresses of this machine, so that no form of one leads nowhere."""
    listener = await asyncio.start_server(server.talk, "0.0.0.0", 0)  # noqa: S104
    async with listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with listening(Server()) as server:
        yield server


def client(server: Server, *networks: str, **given: Any) -> Http:
    """A client that may ask the server's port, and these networks."""
    ports = (server.port,)
    return Http(HttpSettings.model_validate({"allow_networks": networks, "ports": ports, **given}))


async def test_no_form_of_an_inner_address_reaches_anything(server: Server) -> None:
    http = client(server)
    assert len(LOOPBACK + INNER) > 50
    for host in LOOPBACK + INNER:
        with pytest.raises(AddressRefused):
            await http.get(f"http://{host}:{server.port}/")
    assert server.reached == []


async def test_each_form_of_this_machine_reaches_it_where_that_is_allowed(server: Server) -> None:
    http = client(server, "127.0.0.0/8", "0.0.0.0/32", "::ffff:0:0/96")
    for host in LOOPBACK:
        answer = await http.get(f"http://{host}:{server.port}/")
        assert answer.status == 204, host
    assert len(server.reached) == len(LOOPBACK)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com:70/",
        "//example.com/",
        "http://",
        "http:///path",
        "http://example.com:99999/",
        "http://[::1/",
        "http://user:password@example.com/",
        "http://example.com@127.0.0.1/",
        "http://ü..b/",
    ],
)
async def test_what_is_no_address_of_the_web_is_not_asked(server: Server, url: str) -> None:
    with pytest.raises(HttpError):
        await client(server).get(url)


async def test_a_redirect_is_an_answer_and_not_followed(server: Server) -> None:
    inner = f"http://127.0.0.2:{server.port}/"
    server.answer = f"HTTP/1.1 302 Found\r\nLocation: {inner}\r\n\r\n".encode()
    answer = await client(server, "127.0.0.1/32").get(f"http://127.0.0.1:{server.port}/")
    assert (answer.status, answer.headers["location"]) == (302, inner)
    assert server.reached == ["127.0.0.1"]


async def test_a_name_that_changes_its_address_is_looked_at_each_time(server: Server) -> None:
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    http = client(server, "127.0.0.2/32")
    http.resolve = rebinding
    url = f"http://rebinding.example:{server.port}/hook?a=b"
    await http.get(url)
    with pytest.raises(AddressRefused):
        await http.get(url)
    # Had anybody asked for the address a second time, the first would have gone astray.
    assert server.reached == ["127.0.0.2"]
    assert b"GET /hook?a=b HTTP/1.1\r\n" in server.heads[0]
    assert f"Host: rebinding.example:{server.port}\r\n".encode() in server.heads[0]


async def test_a_name_with_one_inner_address_is_refused_whole(server: Server) -> None:
    async def mixed(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "127.0.0.1"]

    http = client(server)
    http.resolve = mixed
    with pytest.raises(AddressRefused):
        await http.get(f"http://mixed.example:{server.port}/")
    assert server.reached == []


async def test_other_ports_are_asked_in_allowed_networks_alone(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/"
    assert (await client(server, "127.0.0.1/32", ports=[443]).get(url)).status == 204
    with pytest.raises(AddressRefused, match="Port 22 is not asked"):
        await client(server, ports=[443]).get("http://8.8.8.8:22/")


async def test_an_answer_that_is_too_long_is_none_unless_an_excerpt_will_do(
    server: Server,
) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000
    http, url = client(server, "127.0.0.0/8", answer_bytes=1000), f"http://127.1:{server.port}/"
    with pytest.raises(HttpError, match="more than 1000 bytes"):
        await http.get(url)
    answer = await http.get(url, excerpt=10)
    assert (answer.is_success, answer.text) == (True, "x" * 10)


async def test_who_never_ends_is_left(server: Server) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Len"
    http = client(server, "127.0.0.0/8")

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(HttpError, match="in time"):
            await http.post(f"http://127.0.0.1:{port}/", json={"a": 1}, seconds=0.05)
    with pytest.raises(HttpError, match="The connection failed"):
        await http.post(f"http://127.0.0.1:{server.port}/", body=b"ok")


async def test_a_header_cannot_bring_another(server: Server) -> None:
    http = client(server, "127.0.0.0/8")
    with pytest.raises(HttpError):
        await http.get(f"http://127.0.0.1:{server.port}/", headers={"X-A": "a\r\nX-B: b"})
    await http.get(f"http://127.0.0.1:{server.port}/a b\r\nX-C: c?ü=\x01")
    assert b"GET /a%20bX-C:%20c?%C3%BC=%01 HTTP/1.1\r\n" in server.heads[-1]

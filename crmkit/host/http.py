"""The one client with which plugins ask other systems: it reaches nobody's inner network."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpcore2

from crmkit.values import networks

if TYPE_CHECKING:
    import ssl

    from crmkit.settings import HttpSettings

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_PORTS = {"http": 80, "https": 443}
_AGENT = "crmkit"


class HttpError(Exception):
    """The other system has not answered; what it was asked it may have done all the same."""


class AddressRefused(HttpError):
    """Plugins do not ask whoever has this address; nothing was sent."""


@dataclass(frozen=True)
class HttpAnswer:
    """What another system has answered, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """What the body says as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as this machine finds them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Http:
    """Asks other systems, each time over a connection of its own.

    The name is resolved for each connection, every address that it has is looked at, and the
    connection leads to what was looked at: a name that changes meanwhile gains nothing by it.
    Redirects are answers like any other, and proxies of the environment are not asked.
    """

    def __init__(self, settings: HttpSettings, resolve: Resolve = resolved) -> None:
        self.settings = settings
        self.resolve = resolve

    async def post(self, url: str, **given: Any) -> HttpAnswer:
        """Sends something, as `request` does."""
        return await self.request("POST", url, **given)

    async def get(self, url: str, **given: Any) -> HttpAnswer:
        """Fetches something, as `request` does."""
        return await self.request("GET", url, **given)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        json: Any = None,
        seconds: float | None = None,
        excerpt: int | None = None,
    ) -> HttpAnswer:
        """Asks once, and returns what was answered.

        Args:
            method: Such as `POST`.
            url: An address of http or https, without a user or a password.
            headers: What is said besides the body.
            body: What is sent.
            json: What is sent as JSON, in place of a body.
            seconds: How long all of it may take; `[http] seconds` unless said, and at most.
            excerpt: How many bytes of the answer's body are read, and the rest left; unless
                said all of it, and who answers more than `[http] answer_bytes` has not answered.

        Raises:
            AddressRefused: The address is not one that plugins may ask.
            HttpError: There was no answer, or none that could be read.
        """
        target, said = _target(url), dict(headers or {})
        if json is not None:
            body = _encoded(json)
            said.setdefault("Content-Type", "application/json")
        limit = self.settings.seconds
        try:
            async with asyncio.timeout(limit if seconds is None else min(seconds, limit)):
                return await self._asked(method, target, said, body, excerpt)
        except TimeoutError:
            raise HttpError("There was no answer in time.") from None
        except (
            httpcore2.TimeoutException,
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
        ) as error:
            raise HttpError(f"The connection failed: {type(error).__name__}.") from error

    async def _asked(
        self,
        method: str,
        target: _Target,
        headers: Mapping[str, str],
        body: bytes | None,
        excerpt: int | None,
    ) -> HttpAnswer:
        guard = _Guard(self.settings, self.resolve)
        said = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers, "Host": target.name}
        async with (
            httpcore2.AsyncConnectionPool(self._tls, network_backend=guard) as connections,
            connections.stream(method, target.url, headers=[*said.items()], content=body) as answer,
        ):
            read = await self._read(answer, excerpt)
            names = {key.decode().lower(): each.decode("latin-1") for key, each in answer.headers}
            return HttpAnswer(answer.status, names, read)

    async def _read(self, answer: httpcore2.Response, excerpt: int | None) -> bytes:
        read = bytearray()
        async for chunk in answer.aiter_stream():
            read += chunk
            if excerpt is not None and len(read) >= excerpt:
                return bytes(read[:excerpt])
            if len(read) > self.settings.answer_bytes:
                raise HttpError(f"The answer has more than {self.settings.answer_bytes} bytes.")
        return bytes(read)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpcore2.default_ssl_context()


@dataclass(frozen=True)
class _Target:
    url: httpcore2.URL
    name: str
    """The host and, where it is not the usual one, the port."""


def _target(url: str) -> _Target:
    """An address, read once: what is looked at and what is asked cannot differ."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        name = host if host.isascii() else host.encode("idna").decode()
    except ValueError as error:
        raise AddressRefused("This is no address that can be asked.") from error
    if parts.scheme not in _PORTS or not name:
        raise AddressRefused("Only addresses of http and https are asked.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a user or a password is not asked.")
    path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*")
    query = f"?{quote(parts.query, safe='/%:=&?~+!$,;@()*')}" if parts.query else ""
    target = httpcore2.URL(scheme=parts.scheme, host=name, port=port, target=path + query)
    shown = f"[{name}]" if ":" in name else name
    return _Target(target, shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}")


def _encoded(said: Any) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


class _Guard(httpcore2.AsyncNetworkBackend):
    """Opens connections, each to an address that it has looked at itself."""

    def __init__(self, settings: HttpSettings, resolve: Resolve) -> None:
        self._settings = settings
        self._resolve = resolve
        self._opening = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the library's own parameter
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failed: Exception | None = None
        for each in await self._looked_at(host, port):
            try:
                return await self._opening.connect_tcp(
                    each, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed or HttpError("The name has no address.")

    async def _looked_at(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name; if one of them is refused, the name is."""
        try:
            found = await self._resolve(host, port)
        except OSError as error:
            raise HttpError("The name has no address.") from error
        for each in found:
            self._look_at(networks.address(each), port)
        return found

    def _look_at(self, address: networks.Address, port: int) -> None:
        if any(address in each for each in self._settings.allow_networks):
            return
        if not networks.is_everybodys(address):
            raise AddressRefused(
                "This leads into an inner network; [http] allow_networks opens it."
            )
        if port not in self._settings.ports:
            raise AddressRefused(f"Port {port} is not asked; [http] ports names those that are.")

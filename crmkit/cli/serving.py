"""`crmkit serve`: the endpoint on this machine."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from rich.console import Console

from crmkit.app import create_app, load_plugins
from crmkit.cli.running import check_upgraded, log_to_stderr
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.settings import Settings

LOCAL = "127.0.0.1"
_OUT = Console(highlight=False)
_GRACE = 20  # seconds that answers in flight have when the server stops


class Server(uvicorn.Server):
    """A server that says when it answers.

    Args:
        settings: What the operator says.
        says: A line that is printed then.
    """

    def __init__(self, settings: Settings, *, says: str | None = None) -> None:
        self._says = says
        super().__init__(
            uvicorn.Config(
                create_app(settings),
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
        if self._says:
            _OUT.print(self._says, soft_wrap=True)


def serve(port: int | None) -> None:
    """Serves until it is interrupted."""
    settings = load_settings()
    log_to_stderr()
    with listening(settings, port) as opened:
        check_upgraded(settings, load_plugins(settings))
        Server(settings, says=announcement(settings, opened)).run([opened])


@contextmanager
def listening(settings: Settings, port: int | None = None) -> Iterator[socket.socket]:
    """Opens a port that nobody reaches from another machine.

    Raises:
        SetupError: The settings name an address that others reach, or the port is taken.
    """
    if settings.server.host != LOCAL:
        raise SetupError(
            f"crmkit listens at {LOCAL} alone until users can sign in; "
            f"take {settings.server.host} out of server.host."
        )
    number = settings.server.port if port is None else port
    try:
        opened = socket.create_server((LOCAL, number))
    except OSError:
        raise SetupError(f"The port {number} is taken; say another with --port.") from None
    with opened:
        yield opened


def address(opened: socket.socket) -> str:
    """Where the endpoint is."""
    return f"{_origin(opened)}/graphql"


def announcement(settings: Settings, opened: socket.socket) -> str:
    """Where what is served is found, for whoever started it."""
    in_the_browser = (
        f", and in the browser at {_origin(opened)}/graphiql"
        if settings.profile == "development"
        else ""
    )
    return f"Serving at {address(opened)}{in_the_browser}; stop with Ctrl+C."


def _origin(opened: socket.socket) -> str:
    return f"http://{LOCAL}:{opened.getsockname()[1]}"

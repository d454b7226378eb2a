"""`crmkit serve`: the endpoint on this machine."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import structlog
import uvicorn
from rich.console import Console

from crmkit.app import create_app, load_plugins
from crmkit.cli.connections import Connection, Socket
from crmkit.cli.logs import log_json
from crmkit.cli.running import check_upgraded, log_to_stderr
from crmkit.graph.reading import LARGEST
from crmkit.settings import load_settings
from crmkit.values.collecting import settled
from crmkit.values.errors import SetupError
from crmkit.values.waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from crmkit.settings import Settings

log = structlog.get_logger("crmkit.cli")

LOCAL = "127.0.0.1"
_OUT = Console(highlight=False)
_GRACE = 20  # seconds that answers in flight have when the server stops
_KEPT = 75  # seconds; longer than a proxy keeps its end of an idle connection
_TOLD = 2  # seconds in which whoever sends requests finds out that it stops
_END = 29  # seconds after which it stops whatever still hangs


class Server(uvicorn.Server):
    """A server that says when it answers.

    Args:
        settings: What the operator says.
        says: A line that is printed then.
    """

    def __init__(self, settings: Settings, *, says: str | None = None) -> None:
        self._says = says
        self._app = create_app(settings)
        said = settings.server.drain_seconds
        self._drains = said if said is not None else _TOLD * (settings.profile == "production")
        super().__init__(
            uvicorn.Config(
                self._app,
                http=cast("Any", partial(Connection, seconds=settings.server.body_seconds)),
                ws=Socket,
                ws_max_size=LARGEST,
                # Many clients are told the same; to compress it for each would take longer.
                ws_per_message_deflate=False,
                # Our own log tells each request; what else uvicorn says goes where all go.
                log_config=None,
                access_log=False,
                server_header=False,
                # Of whom they speak for, only these tell where he comes from.
                proxy_headers=bool(settings.server.proxies),
                forwarded_allow_ips=list(settings.server.proxies),
                timeout_graceful_shutdown=_GRACE,
                timeout_keep_alive=_KEPT,
            )
        )
        self.ready = asyncio.Event()
        self._hurried = asyncio.Event()
        self._settled = ExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._settled.enter_context(settled())
        self.ready.set()
        if self._says:
            _OUT.print(self._says, soft_wrap=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes the first signal as a wish to end soon, and the second as one to end now."""
        super().handle_exit(sig, frame)
        if self.force_exit:
            self._hurried.set()
        end = threading.Timer(_END, _end)
        end.daemon = True
        end.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Says that it stops while it still answers, so that nobody sends it more."""
        self._app.state.stopping = True
        await within(self._hurried, self._drains)
        self._settled.close()
        await self._app.hang_up()
        await super().shutdown(sockets)


def _end() -> None:
    """What hangs in a thread would keep the process for ever."""
    log.error("stopped although something still hangs")
    os._exit(1)


def serve(port: int | None) -> None:
    """Serves until it is interrupted."""
    settings = load_settings()
    in_development = settings.profile == "development"
    (log_to_stderr if in_development else log_json)()
    with listening(settings, port) as opened:
        check_upgraded(settings, load_plugins(settings))
        Server(settings, says=announcement(settings, opened)).run([opened])


@contextmanager
def listening(settings: Settings, port: int | None = None) -> Iterator[socket.socket]:
    """Opens the port of the settings, or this one.

    Raises:
        SetupError: The port is taken, or the address is not this machine's.
    """
    host = settings.server.host
    number = settings.server.port if port is None else port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, number), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupError(f"The port {number} is taken; say another with --port.") from None
        raise SetupError(f"server.host {host} cannot be listened at: {error.strerror}.") from None
    with opened:
        yield opened


def address(opened: socket.socket) -> str:
    """Where the endpoint is."""
    return f"{_origin(opened)}/graphql"


def announcement(settings: Settings, opened: socket.socket) -> str:
    """Where what is served is found, for whoever started it."""
    in_development = settings.profile == "development"
    in_the_browser = f", and in the browser at {_origin(opened)}/graphiql" if in_development else ""
    serving = f"Serving at {address(opened)}{in_the_browser}; stop with Ctrl+C."
    return f"{serving}\n{_profile(settings)}"


def _profile(settings: Settings) -> str:
    """Which profile this is, and what would be different in the other."""
    if settings.profile == "development":
        return (
            "Profile development: introspection, suggestions and GraphiQL are on, and pages of "
            f"this machine may ask. {_nobody(settings)} CRMKIT_PROFILE=production turns all this "
            "off, wants a secret of its own, and logs JSON."
        )
    asked = {
        None: "introspection for whoever has core.schema.read",
        True: "introspection for everybody",
        False: "no introspection",
    }[settings.graphql.introspection]
    origins = ", ".join(settings.server.origins) or "no other origin"
    return f"Profile production: {asked}, no suggestions, no GraphiQL; pages of {origins} may ask."


def _nobody(settings: Settings) -> str:
    """What somebody may who has not signed in."""
    if not settings.access.developer:
        return "Whoever does not sign in is the public."
    return "WHOEVER ASKS AT THIS MACHINE MAY DO EVERYTHING, unless access.developer = false."


def _origin(opened: socket.socket) -> str:
    host, port, *_ = opened.getsockname()
    if host in ("0.0.0.0", "::"):  # noqa: S104  it is reached here by the name it has here
        host = LOCAL
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

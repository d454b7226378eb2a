"""`crmkit serve`: the endpoint on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from crmkit.app import create_app
from crmkit.cli.running import log_to_stderr
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from crmkit.settings import Settings

LOCAL = "127.0.0.1"
_GRACE = 20  # seconds that answers in flight have when the server stops


def serve(port: int | None) -> None:
    """Serves until it is interrupted.

    Raises:
        SetupError: The settings name another address than this machine's own.
    """
    settings = load_settings()
    log_to_stderr()
    server(settings, port).run()


def server(settings: Settings, port: int | None = None) -> uvicorn.Server:
    """Makes a server that others cannot reach.

    Raises:
        SetupError: The settings name another address than this machine's own.
    """
    if settings.server.host != LOCAL:
        raise SetupError(
            f"crmkit listens at {LOCAL} alone until users can sign in; "
            f"take server.host = {settings.server.host!r} out of the settings."
        )
    config = uvicorn.Config(
        create_app(settings),
        host=LOCAL,
        port=settings.server.port if port is None else port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    return uvicorn.Server(config)

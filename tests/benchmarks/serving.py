"""Serves an ASGI application as `crmkit serve` serves its own: same loop, same parser."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn

SERVING = "Serving at http://127.0.0.1:"


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        print(f"{SERVING}{sockets[0].getsockname()[1]}/", flush=True)


def serve(app: Any) -> None:
    """Serves at a free port, and says which, until it is interrupted."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        _Server(uvicorn.Config(app, log_level="warning", server_header=False)).run([opened])

"""An identity provider on this machine: it tells its keys, and signs tokens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE = "crmkit"


class Issuer:
    """What it is called, its keys, and how often it was asked for them."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"use": "sig", "kid": "first"})
        self.asked = 0
        self.is_away = False

    def rotate(self) -> None:
        """Signs with another key from now on."""
        self.key = RSAKey.generate_key(2048, {"use": "sig", "kid": "second"})

    def token(self, now: datetime, key: Any = None, *, alg: str = "RS256", **claims: Any) -> str:
        """A token that is good for ten minutes, unless its claims say otherwise."""
        moment = int(now.timestamp())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "uma", "iat": moment, "exp": moment + 600}
        said = {name: value for name, value in (said | claims).items() if value is not None}
        used = key or self.key
        return jwt.encode({"alg": alg, "kid": used.kid}, said, used, algorithms=[alg])

    async def discover(self, request: Request) -> Response:
        return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def keys(self, request: Request) -> Response:
        self.asked += 1
        if self.is_away:
            return JSONResponse({}, 503)
        return JSONResponse(KeySet([self.key]).as_dict(private=False))


@asynccontextmanager
async def issuing() -> AsyncGenerator[Issuer]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        made = Issuer(opened.getsockname()[1])
        routes = [
            Route("/.well-known/openid-configuration", made.discover),
            Route("/keys", made.keys),
        ]
        app = Starlette(routes=routes)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve([opened]))
        try:
            yield made
        finally:
            server.should_exit = True
            await serving

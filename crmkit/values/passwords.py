"""Passwords: kept as argon2id hashes, which are made in threads, so that nobody else waits."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar
from unicodedata import normalize

from pwdlib import PasswordHash

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SHORTEST = 12
LONGEST = 500

_ARGON2 = PasswordHash.recommended()
# Each takes 64 MiB and four cores for a tenth of a second, so few run at once.
_THREADS = ThreadPoolExecutor(2, "argon2")


async def hashed(password: str) -> str:
    """What is kept of a password."""
    return await _run(_hashed, password)


async def matches(password: str, hash: str | None) -> bool:
    """Whether this is what was kept of the password; it takes as long where nothing was."""
    return await _run(_matches, password, hash)


async def _run(function: Callable[..., T], *given: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, function, *given)


def _hashed(password: str) -> str:
    return _ARGON2.hash(_plain(password))


def _matches(password: str, hash: str | None) -> bool:
    nobodys = _nobodys()
    is_right = _ARGON2.verify(_plain(password), hash or nobodys)
    return is_right and hash is not None


@cache
def _nobodys() -> str:
    """The hash of a password that nobody has."""
    return _ARGON2.hash(token_hex())


def _plain(password: str) -> str:
    """One password, whichever keyboard has written it."""
    return normalize("NFKC", password)

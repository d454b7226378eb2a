from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from crmkit.testing import crm
from tests.access.asking import Asking

CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@pytest.fixture(autouse=True)
def _hashes_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmkit.values.passwords._ARGON2", CHEAP)


@pytest.fixture
async def ask(engine: str) -> AsyncIterator[Asking]:
    """Asks over HTTP, in production unless a test says otherwise."""
    async with crm(engine=engine, profile="production", secret="a secret of its own") as t:
        yield Asking(t)

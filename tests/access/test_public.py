from __future__ import annotations

import pytest

from crmkit.testing import crm
from tests.access.asking import TEAMS, Asking

pytestmark = pytest.mark.anyio


async def test_in_production_whoever_says_nothing_is_the_public(ask: Asking) -> None:
    assert await ask.code(TEAMS) == "FORBIDDEN"
    assert await ask.code(TEAMS, client="127.0.0.1", host="127.0.0.1") == "FORBIDDEN"


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "localhost", "[::1]:8000"])
async def test_in_development_whoever_asks_at_this_machine_may_do_everything(
    client: str, host: str
) -> None:
    async with crm() as t:
        assert await Asking(t).data(TEAMS, client=client, host=host)


@pytest.mark.parametrize(
    "said",
    [
        {"client": "198.51.100.7"},
        {"client": "127.0.0.1", "host": "evil.example"},
        {"client": "127.0.0.1", "headers": {"x-forwarded-for": "198.51.100.7"}},
        {"client": "127.0.0.1", "headers": {"forwarded": "for=198.51.100.7"}},
    ],
)
async def test_in_development_too_others_are_the_public(said: dict[str, object]) -> None:
    async with crm() as t:
        given = {"host": "localhost:8000", **said}
        assert await Asking(t).code(TEAMS, **given) == "FORBIDDEN"  # type: ignore[arg-type]


async def test_an_operator_may_want_a_sign_in_in_development_too() -> None:
    async with crm(access={"developer": False}) as t:
        asked = await Asking(t).code(TEAMS, client="127.0.0.1", host="localhost")
        assert asked == "FORBIDDEN"

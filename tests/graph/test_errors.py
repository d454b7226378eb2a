from __future__ import annotations

from dataclasses import dataclass

import pytest
import structlog

from crmkit import sdk
from crmkit.testing import crm

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class BreakThings:
    """What to break."""

    name: str
    """How it is called."""


@dataclass(frozen=True)
class BrokenThings:
    """Nobody ever sees this."""

    name: str
    """How it was called."""


@sdk.mutation(permission="breaking.thing.break")
async def break_things(context: sdk.Context, input: BreakThings) -> BrokenThings:
    """Break something that is not expected to break."""
    raise RuntimeError(f"The {input.name} is open.")


class TooBroken(sdk.Refused):
    reason = "breaking.too_broken"


@dataclass(frozen=True)
class BreakMore:
    """What to break on purpose."""

    name: str
    """How it is called."""


@sdk.mutation(permission="breaking.thing.break")
async def break_more(context: sdk.Context, input: BreakMore) -> BrokenThings:
    """Break something as agreed."""
    raise TooBroken("It is broken already.", field="name", params={"since": context.clock.now()})


class Breaking(sdk.Plugin):
    name = "breaking"
    version = "1.0"
    words = ("break",)

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(break_things, break_more)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("breaking.thing.break", "Break things.")


async def test_an_unexpected_error_is_masked_and_found_in_the_log_by_its_id() -> None:
    async with crm(Breaking) as t:
        with structlog.testing.capture_logs() as logged:
            [error] = await t.errors('mutation { breakThings(input: {name: "vault"}) { name } }')
    assert "vault" not in str(error)
    assert error["extensions"]["code"] == "INTERNAL"
    [line] = [each for each in logged if each["event"] == "unexpected error"]
    assert line["correlation_id"] == error["extensions"]["correlationId"]
    assert "vault" in str(line["exc_info"])


async def test_a_failure_of_a_plugin_names_its_reason_its_plugin_and_what_a_frontend_needs() -> (
    None
):
    async with crm(Breaking) as t:
        [error] = await t.errors('mutation { breakMore(input: {name: "vase"}) { name } }')
    assert error["message"] == "It is broken already."
    assert error["extensions"] == {
        "code": "REFUSED",
        "reason": "breaking.too_broken",
        "plugin": "breaking",
        "problems": [
            {
                "field": ["input", "name"],
                "code": "REFUSED",
                "message": "It is broken already.",
                "params": {"since": "2026-01-01T00:00:00+00:00"},
            }
        ],
    }

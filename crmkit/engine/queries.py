"""`@query`: a function of a service as a field of Query, for what no table lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from crmkit.engine.fields import CALL_COST


@dataclass(frozen=True, eq=False)
class Query:
    """A function that is a root field; whoever registers it owns it."""

    function: Callable[..., Awaitable[Any]]
    permission: str | None
    cost: int


def query(
    *, permission: str | None, cost: int = CALL_COST
) -> Callable[[Callable[..., Awaitable[Any]]], Query]:
    """Makes `async def name(context, *, argument: int = 1) -> Value` a root field of that name.

    What it returns is a `sdk.value`, a scalar, a node by `sdk.ref`, or a list of them; nodes
    are read as far as the actor reaches. Keyword-only parameters are the field's arguments.

    Args:
        permission: What the actor must be allowed; None says that everybody may ask.
        cost: What a call adds to an operation's points.
    """
    return lambda function: Query(function, permission, cost)

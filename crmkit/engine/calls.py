"""Calls the functions of fields that Python answers, and says whose failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from crmkit.values.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Mapping, Sequence

    from crmkit.engine.steps import Batched

ABREAST = 32
"""How many calls of one resolver wait at the same time."""


async def called(
    batch: Batched, context: Any, keys: Sequence[str], arguments: Mapping[str, Any]
) -> Mapping[str, Any] | Exception:
    """What a function says of each key; an exception of the keys that it failed for, or of all."""
    if batch.each:
        return await _one_by_one(batch, context, keys, arguments)
    found: Mapping[str, Any] | Exception = await _outcome(batch, context, keys, arguments)
    return found


def together(work: Sequence[Coroutine[Any, Any, None]]) -> Awaitable[None]:
    """Does all of this at once; the first that fails stops the others and is raised."""
    return work[0] if len(work) == 1 else _abreast(work)


async def _abreast(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    if not work:
        return
    # A TaskGroup also cancels whoever waits for it, and Python 3.11.2 leaves him cancelled.
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        rest = [each for each in tasks if not each.done()]
        for each in rest:
            each.cancel()
        if rest:
            await asyncio.wait(rest)
        # Seen also where somebody stops us: asyncio tells the log of what nobody has seen.
        failures = [each.exception() for each in tasks if not each.cancelled()]
    for failure in filter(None, failures):
        raise failure


async def _one_by_one(
    batch: Batched, context: Any, keys: Sequence[str], arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    waiting = iter(keys)

    async def work() -> None:
        for key in waiting:
            found[key] = await _outcome(batch, context, key, arguments)

    await together([work() for _ in range(min(ABREAST, len(keys)))])
    return found


async def _outcome(batch: Batched, context: Any, asked: Any, arguments: Mapping[str, Any]) -> Any:
    """What a function returns, or what it raises: that nulls its own field, with its plugin's name."""
    try:
        return await batch.function(context, asked, **arguments)
    except Exception as error:  # noqa: BLE001  it is reported with the paths that it is asked for at
        return _attributed(error, batch)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Not we were cancelled, but something that the function waited for.
        return _attributed(RuntimeError("What it waited for was cancelled."), batch)


def _attributed(error: Exception, batch: Batched) -> Exception:
    """Says whose function failed, to clients and to the log."""
    error.add_note(f"plugin {batch.plugin}, field function {batch.function.__qualname__}")
    if isinstance(error, Failure):
        error.plugin = error.plugin or batch.plugin
    else:
        vars(error)["plugin"] = batch.plugin
    return error

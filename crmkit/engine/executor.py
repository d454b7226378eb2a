"""Runs a plan: step by step, one statement for each level whatever the number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from crmkit.engine.builder import Answers, Bubble
from crmkit.values.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Select

    from crmkit.engine.planner import Plan
    from crmkit.engine.steps import Batched, Below, Level


class Reader(Protocol):
    """Reads rows as far as the actor reaches."""

    async def read(self, statement: Select[Any]) -> Sequence[tuple[Any, ...]]: ...


class Executor:
    """Runs plans for one request."""

    def __init__(self, engine: str, reader: Reader, context_of: Callable[[str], Any]) -> None:
        self.engine = engine
        self.reader = reader
        self.context_of = context_of

    async def run(self, plan: Plan, answers: Answers) -> dict[str, Any] | None:
        """The finished value of each slot; None where a non-null root field failed."""
        await self._below(plan.below, [None], answers)
        try:
            return {slot.key: slot.complete(answers, None, ()) for slot in plan.slots}
        except Bubble:
            return None

    async def _below(self, below: Sequence[Below], rows: Sequence[Any], answers: Answers) -> None:
        """Runs the steps that hang below these rows, and all that hangs below those."""
        for each in below:
            await self._step(each.step, _distinct(each, rows), answers)

    async def _step(self, step: Level, keys: Sequence[Any], answers: Answers) -> None:
        if not keys and step.key is not None:
            return
        rows = await self.reader.read(step.statement(self.engine, keys))
        answers.rows[step] = {None: rows} if step.key is None else _grouped(rows)
        if step.count is not None:
            answers.counts[step] = (await self.reader.read(step.count))[0][0]
        if rows:
            await self._below(step.below, rows, answers)
            for batch in step.batches:
                await self._batch(batch, rows, answers)

    async def _batch(self, batch: Batched, rows: Sequence[Any], answers: Answers) -> None:
        keys = _unique(batch.key(row) for row in rows)
        context = self.context_of(batch.plugin)
        try:
            found: Mapping[str, Any] = await batch.function(context, keys, **batch.arguments)
        except Exception as error:  # noqa: BLE001  it nulls its own field, with its plugin's name
            answers.batches[batch] = _attributed(error, batch)
            return
        answers.batches[batch] = found
        await self._below(batch.below, list(found.values()), answers)


def _attributed(error: Exception, batch: Batched) -> Exception:
    """Says whose function failed: to clients in a failure of ours, to the log in any."""
    error.add_note(f"plugin {batch.plugin}, field function {batch.function.__qualname__}")
    if isinstance(error, Failure):
        error.plugin = error.plugin or batch.plugin
    return error


def _distinct(below: Below, rows: Sequence[Any]) -> list[Any]:
    return _unique(key for row in rows for key in below.keys(row))


def _unique(keys: Iterable[Any]) -> list[Any]:
    return [key for key in dict.fromkeys(keys) if key is not None]


def _grouped(rows: Sequence[tuple[Any, ...]]) -> Mapping[Any, Sequence[tuple[Any, ...]]]:
    """Rows by the parent that they begin with, in the order that they came."""
    groups: dict[Any, list[tuple[Any, ...]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups

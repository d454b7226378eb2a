"""Units that end in the same moment share a transaction of PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg  # type: ignore[import-untyped]

from crmkit.store.coalescing import Apart, Coalescing
from crmkit.store.parts import Part, Undone, values_of, values_of_merged
from crmkit.values.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from crmkit.store.parts import Texts
    from crmkit.store.pool import Connection

    Make = Callable[[], Sequence[Part]]
    Lent = Callable[[Callable[[Connection], Awaitable[Any]]], Awaitable[Any]]

_WORTH_MERGING = 4  # units; to begin and end the one statement costs more than theirs


class Commits:
    """Commits units, each wholly or not at all.

    Those that end in one turn of the loop, or while others are being committed, go out on one
    connection: for all of them there is one way to the server and one commit, and Python makes
    their statements in a row, which takes a third of the time that it takes one by one. Several
    that do the same are one statement, whose rows are theirs; else their statements follow each
    other. Where PostgreSQL refuses one it undoes them all, and each goes alone. So goes whoever
    locks rows that were there before: two transactions that lock several would wait for each other.

    Args:
        texts: The SQL of parts.
        lent: Has a connection asked something.
        watch: Is told of the parts of each unit.
    """

    def __init__(self, texts: Texts, lent: Lent, watch: Callable[[Sequence[Part]], None]) -> None:
        self._texts = texts
        self._lent = lent
        self._watch = watch
        self._units: Coalescing[Make] = Coalescing(in_turn=True)

    async def commit(self, make: Make) -> None:
        """Commits a unit.

        Raises:
            Undone: It cannot be done at once.
            Violation: A constraint said no.
        """
        try:
            outcome = await self._units.join(None, make, self._act, statements=0)
        except Apart:
            outcome = _Alone(make())
        if isinstance(outcome, _Alone):
            await self._alone(outcome.parts)
        elif outcome is not None:
            self._watch(outcome)

    async def _act(self, units: Sequence[Make]) -> Sequence[Any]:
        """The parts of units that are committed; who locks rows is told to go alone."""
        if len(units) == 1:
            only = units[0]()
            if _locks(only):
                return [_Alone(only)]
            await self._alone(only)
            return [None]
        outcomes: list[Any] = [_made(each) for each in units]
        groups: dict[str, list[int]] = {}
        for place, parts in enumerate(outcomes):
            if isinstance(parts, Exception):
                continue
            if (text := self._texts.together(parts)) is None:
                outcomes[place] = Undone()
            elif _locks(parts):
                outcomes[place] = _Alone(parts)
            else:
                groups.setdefault(text, []).append(place)
        await asyncio.gather(*[self._share(*each, outcomes) for each in groups.items()])
        return outcomes

    async def _share(self, text: str, places: Sequence[int], outcomes: list[Any]) -> None:
        """Commits the units in these places in one transaction."""
        units = [outcomes[place] for place in places]
        try:
            await self._lent(self._sharing(text, units))
        except Unavailable as error:
            # Whether they were committed, nobody knows.
            for place in places:
                outcomes[place] = error
        except Exception:  # noqa: BLE001  whose fault it is, they find out alone
            for place in places:
                outcomes[place] = Apart()

    def _sharing(
        self, text: str, units: Sequence[Sequence[Part]]
    ) -> Callable[[Connection], Awaitable[Any]]:
        """What commits units of this text: one statement for all of them, or theirs in a row."""
        merged = self._texts.merged(units) if len(units) >= _WORTH_MERGING else None
        if merged is None:
            runs = [values_of(each) for each in units]
            return lambda connection: connection.executemany(text, runs)
        values = values_of_merged(units)
        return lambda connection: connection.fetch(merged, *values)

    async def _alone(self, parts: Sequence[Part]) -> None:
        text = self._texts.together(parts)
        if text is None:
            raise Undone
        self._watch(parts)
        try:
            await self._lent(lambda connection: connection.fetch(text, *values_of(parts)))
        except asyncpg.DivisionByZeroError as error:
            raise Undone from error


class _Alone(NamedTuple):
    """What a unit does that goes alone."""

    parts: Sequence[Part]


def _locks(parts: Sequence[Part]) -> bool:
    return any(each.kind.locks for each in parts)


def _made(make: Make) -> Sequence[Part] | Exception:
    try:
        return make()
    except Exception as error:  # noqa: BLE001  it is the business of him who waits
        return error

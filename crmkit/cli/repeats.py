"""How often each of very many things has come, in a few bytes for each."""

from __future__ import annotations

from array import array

_FIRST = 1 << 12  # places; twice as many whenever half of them are taken


class Repeats:
    """Counts things by their hashes; 16 to 32 bytes for each that came once."""

    def __init__(self) -> None:
        self._places = _empty(_FIRST)
        self._taken = 0
        self._more: dict[int, int] = {}

    def count(self, thing: int) -> int:
        """Says how often this hash has come by now."""
        thing = thing or 1  # Nothing stands where a zero stands.
        places = self._places
        place = _place(places, thing)
        if places[place] == thing:
            self._more[thing] = times = self._more.get(thing, 1) + 1
            return times
        places[place] = thing
        self._taken += 1
        if self._taken * 2 > len(places):
            self._grow()
        return 1

    def _grow(self) -> None:
        before, self._places = self._places, _empty(2 * len(self._places))
        for thing in before:
            if thing:
                self._places[_place(self._places, thing)] = thing


def _place(places: array[int], thing: int) -> int:
    """Where it stands, or where it would: whatever collides moves on to the next free place."""
    mask = len(places) - 1
    place = thing & mask
    while (there := places[place]) and there != thing:
        place = (place + 1) & mask
    return place


def _empty(size: int) -> array[int]:
    return array("q", bytes(8 * size))

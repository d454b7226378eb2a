"""TypeIDs: `customer_01h455vb4pex5vsknk084sn02q`, a prefix and a UUIDv7 that only grows."""

from __future__ import annotations

import itertools
import re
import threading
import time
from os import urandom
from random import getrandbits

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_TRIPLES = [pair + a for pair in _PAIRS for a in _ALPHABET]
_MOST = 1 << 15  # ids of one count

_Millisecond = tuple[int, int, str, "itertools.count[int]"]
"""Which it is, the nanosecond in which it ends, how its ids begin, and their count."""

_TYPEID = re.compile(r"([a-z](?:[a-z_]*[a-z])?)_[0-7][0-9a-hjkmnp-tv-z]{25}")


def prefix_of(id: str) -> str:
    """Says what an id is an id of; nothing when it is no TypeID."""
    found = _TYPEID.fullmatch(id)
    return found[1] if found else ""


def is_id(text: str, prefix: str) -> bool:
    """Says whether this is the id of such a record, by its form alone."""
    return prefix_of(text) == prefix != ""


class _Ids:
    """A millisecond as text, a count within it, and 35 random bits (RFC 9562, 6.2, method 2)."""

    __slots__ = ("_lock", "_now")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = _begun(0)

    def new(self, prefix: str) -> str:
        """Makes an id that sorts after every earlier one of this process."""
        now = self._now
        if time.time_ns() >= now[1]:
            now = self._next(now)
        # Of one step of Python's, so that threads need no lock; a clock may have been set back
        # for so long that the count runs over.
        while (count := next(now[3])) >= _MOST:
            now = self._next(now, is_used_up=True)
        rest = getrandbits(35)  # A fork draws others, although it goes on with the same count.
        t = _TRIPLES
        return f"{prefix}_{now[2]}{t[count]}{t[rest >> 20]}{t[rest >> 5 & 32767]}{_ALPHABET[rest & 31]}"

    def _next(self, before: _Millisecond, *, is_used_up: bool = False) -> _Millisecond:
        with self._lock:
            if self._now is before:  # Else another thread has found that its time is over.
                millisecond = max(time.time_ns() // 1_000_000, before[0] + 1)
                goes_on = millisecond >> 10 == before[0] >> 10 and not is_used_up
                self._now = _gone_on(before, millisecond) if goes_on else _begun(millisecond)
            return self._now


def _gone_on(before: _Millisecond, millisecond: int) -> _Millisecond:
    """A millisecond of the same second, which differs in the last ten bits of its time."""
    _, _, head, count = before
    told = f"{head[:8]}{_PAIRS[millisecond & 1023]}{head[10:]}"
    return millisecond, (millisecond + 1) * 1_000_000, told, count


def _begun(millisecond: int) -> _Millisecond:
    p, t, m = _PAIRS, _TRIPLES, millisecond
    # Unguessable; the highest bit of the count stays free, so that it has far to go.
    bits = int.from_bytes(urandom(5))
    # The version (7) and the variant stand before the bits of each half.
    version, variant = 0x7000 | bits & 0xFFF, 0x2000 | bits >> 12 & 0xFFF
    halves = version << 14 | variant
    head = (
        f"{p[m >> 40]}{p[m >> 30 & 1023]}{p[m >> 20 & 1023]}{p[m >> 10 & 1023]}{p[m & 1023]}"
        f"{t[halves >> 15]}{t[halves & 32767]}"
    )
    return millisecond, (millisecond + 1) * 1_000_000, head, itertools.count(bits >> 26)


new_id = _Ids().new

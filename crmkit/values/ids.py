"""TypeIDs: `customer_01h455vb4pex5vsknk084sn02q`, a prefix and a UUIDv7 that only grows."""

from __future__ import annotations

import re
import threading
import time
from os import urandom
from random import getrandbits

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_TRIPLES = [pair + a for pair in _PAIRS for a in _ALPHABET]
_TYPEID = re.compile(r"([a-z](?:[a-z_]*[a-z])?)_[0-7][0-9a-hjkmnp-tv-z]{25}")


def prefix_of(id: str) -> str:
    """Says what an id is an id of; nothing when it is no TypeID."""
    found = _TYPEID.fullmatch(id)
    return found[1] if found else ""


def is_id(text: str, prefix: str) -> bool:
    """Says whether this is the id of such a record, by its form alone."""
    return prefix_of(text) == prefix != ""


class _Ids:
    """A millisecond as text and a 74-bit count within it (RFC 9562, 6.2, method 2)."""

    __slots__ = ("_count", "_head", "_lock", "_millisecond")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._head = ""
        self._count = 0

    def new(self, prefix: str) -> str:
        """Makes an id that sorts after every earlier one of this process."""
        millisecond = time.time_ns() // 1_000_000
        with self._lock:
            if millisecond > self._millisecond:
                self._begin(millisecond)
            else:  # The same millisecond, or a clock that was set back.
                # Cheap bits do: they keep apart only what a fork made of one count.
                self._count += 1 + getrandbits(32)
            head, count = self._head, self._count
        # The version (7) and the variant stand between the bits of the count.
        high = 0x7000 | count >> 62
        low = 2 << 62 | count & 0x3FFFFFFFFFFFFFFF
        t = _TRIPLES
        return (
            f"{prefix}_{head}{t[high >> 1]}"
            f"{t[(high & 1) << 14 | low >> 50]}{t[low >> 35 & 32767]}"
            f"{t[low >> 20 & 32767]}{t[low >> 5 & 32767]}{_ALPHABET[low & 31]}"
        )

    def _begin(self, millisecond: int) -> None:
        self._millisecond = millisecond
        p, m = _PAIRS, millisecond
        self._head = (
            f"{p[m >> 40]}{p[m >> 30 & 1023]}{p[m >> 20 & 1023]}{p[m >> 10 & 1023]}{p[m & 1023]}"
        )
        # Unguessable; the highest bit stays free, so the count cannot run over.
        self._count = int.from_bytes(urandom(10)) >> 7


new_id = _Ids().new

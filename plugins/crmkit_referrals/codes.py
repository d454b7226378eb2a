"""Codes that people read out, write down and type in again."""

from __future__ import annotations

from secrets import choice
from unicodedata import normalize

# Without 0 O, 1 I L, 2 Z, 5 S, 8 B, U V: whoever reads one of the others is right.
ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
LENGTH = 8


def draw() -> str:
    """A code that nobody can guess."""
    return "".join(choice(ALPHABET) for _ in range(LENGTH))


def folded(given: str) -> str:
    """A code as it is stored, however it was typed: ` r7kq-acde ` and `Ｒ7KQACDE`."""
    return "".join(each for each in normalize("NFKC", given).upper() if each.isalnum())

"""How text compares (its fold) and how it sorts (its sort key), the same on every engine."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Callable

_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]+")


def fold(text: str) -> str:
    """Makes two spellings of one word equal: `Ｍüller` and `MÜLLER`."""
    if text.isascii():
        return text.lower()
    # Casefolding can leave what composes anew, so the second pass makes a fold its own.
    return normalize("NFKC", normalize("NFKC", text).casefold())


def sort_key(text: str) -> str:
    """Sorts Chinese by sound, everything else by its fold; equal sounds by their fold."""
    folded = fold(text)
    if not _HAN.search(folded):
        return folded
    return f"{fold(_HAN.sub(_sound, folded))}\x1f{folded}"


def _sound(han: re.Match[str]) -> str:
    return " ".join(_pinyin()(han[0]))


@cache
def _pinyin() -> Callable[[str], list[str]]:
    # Its dictionaries take 0.3 s to load, which only those with Chinese names should pay.
    return cast("Callable[[str], list[str]]", import_module("pypinyin").lazy_pinyin)

"""What people call a thing that programs know by its key, in their own language."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def label(labels: Mapping[str, str], *locales: str | None) -> str | None:
    """Finds the label of the first locale that has one: `de-AT` is content with `de`.

    Where no locale helps, any label is better than none.
    """
    written = {_plain(each): text for each, text in labels.items()}
    for locale in filter(None, locales):
        parts = _plain(locale).split("-")
        for length in range(len(parts), 0, -1):
            if found := written.get("-".join(parts[:length])):
                return found
    return written.get("en") or next(iter(written.values()), None)


def phrase(words: Mapping[str, str], *locales: str | None) -> str:
    """What a program says, in the first of these locales in which it has words for it."""
    return label(words, *locales) or ""


def _plain(locale: str) -> str:
    return locale.replace("_", "-").lower()

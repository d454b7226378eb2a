"""Names in generated source: none is text of a document or of a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Source:
    """Gives out names like `k12`, and knows what those mean that stand for values."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = dict(names)
        self.count = 0

    def name(self, letter: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{letter}{self.count}"

    def constant(self, value: Any) -> str:
        """The name of a value, which is handed over with the source."""
        name = self.name("k")
        self.names[name] = value
        return name

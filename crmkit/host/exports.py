"""What is known of somebody outside the database."""

from __future__ import annotations

from typing import Any


class Export:
    """What plugins keep of somebody outside the database, for whoever asks what is known."""

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}

    def add(self, name: str, data: Any) -> None:
        """Adds what JSON can hold, under a name that says where it lies."""
        self.parts[name] = data

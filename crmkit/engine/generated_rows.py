"""What pieces of generated source call the rows that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.engine import builder as b

if TYPE_CHECKING:
    from crmkit.engine.steps import Level


class Row:
    """What a piece of source stands for one row of: a level's, or a Python object."""

    def __init__(self, name: str, step: Level | None = None) -> None:
        self.name = name
        self.step = step

    def cell(self, place: int) -> str:
        return f"{self.name}[{place}]"


class Unpacked(Row):
    """A row whose columns have names of their own, which is faster."""

    def __init__(self, name: str, step: Level, width: int) -> None:
        super().__init__(name, step)
        self.width = width
        self.used: set[int] = set()
        self.whole = False

    def cell(self, place: int) -> str:
        self.used.add(place)
        return f"{self.name}c{place}"

    def pattern(self) -> str:
        names = (f"{self.name}c{i}" if i in self.used else "_" for i in range(self.width))
        return f"({', '.join(names)},)"


class Page(Row):
    """The page of a connection, whose parts are variables."""

    def __init__(self, name: str, step: Level) -> None:
        super().__init__(name, step)
        self.parts = {b.ROWS: f"{name}r", b.MORE: f"{name}m", b.TOTAL: f"{name}t"}

"""Rows are made of keywords, as dataclasses are; no session looks at them, so nobody is told."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import configure_mappers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Column


class Maker:
    """Makes rows of one model: a tenth of what SQLAlchemy's instrumentation would take."""

    def __init__(self, model: Any) -> None:
        configure_mappers()
        columns: Mapping[str, Column[Any]] = dict(model.__mapper__.c.items())
        self._fields = {each.name: each for each in dataclasses.fields(model) if each.init}
        # What nobody says is None until the row is written; one default serves all rows.
        self._unsaid = {name: each.info.get("default") for name, each in columns.items()}
        self._renamed = [(name, each.name) for name, each in columns.items() if name != each.name]

    def constructor(self, given: Mapping[str, Callable[[], Any]]) -> Callable[..., None]:
        """What makes a row of keywords, written out as that of a dataclass is.

        Args:
            given: What makes the values that each row gets unasked, by their attributes.
        """
        taken, cells, known = [], [], dict[str, Any]()
        for name in {**self._unsaid, **self._fields}:
            field = self._fields.get(name)
            if name in given:
                known[f"make_{name}"] = given[name]
                cells.append(f"{name!r}: make_{name}()")
            elif field is None:
                known[f"no_{name}"] = self._unsaid[name]
                cells.append(f"{name!r}: no_{name}")
            elif field.default_factory is not dataclasses.MISSING:
                known[f"make_{name}"], known["unsaid"] = field.default_factory, object()
                taken.append(f"{name}=unsaid")
                cells.append(f"{name!r}: make_{name}() if {name} is unsaid else {name}")
            else:
                known[f"no_{name}"] = self._unsaid.get(name)
                is_needed = field.default is dataclasses.MISSING
                taken.append(name if is_needed else f"{name}=no_{name}")
                cells.append(f"{name!r}: {name}")
        keywords = f", *, {', '.join(taken)}" if taken else ""
        source = f"def __init__(_row, /{keywords}):\n _row.__dict__.update({{{', '.join(cells)}}})"
        exec(source, known)  # noqa: S102  names of attributes
        made: Callable[..., None] = known["__init__"]
        return made

    def values(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a row by the names of their columns."""
        found = dict(held)
        for name, column in self._renamed:
            found[column] = found.pop(name)
        return found

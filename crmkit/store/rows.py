"""Rows are made of keywords, as dataclasses are; no session looks at them, so nobody is told."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import configure_mappers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Column


class Maker:
    """Makes rows of one model: a tenth of what SQLAlchemy's instrumentation would take."""

    def __init__(self, model: Any) -> None:
        configure_mappers()
        fields = {each.name: each for each in dataclasses.fields(model)}
        columns: Mapping[str, Column[Any]] = dict(model.__mapper__.c.items())
        self._name = model.__name__
        self._taken = frozenset(name for name, each in fields.items() if each.init)
        self._factories = {
            name: each.default_factory
            for name, each in fields.items()
            if each.init and each.default_factory is not dataclasses.MISSING
        }
        self._needed = frozenset(
            name
            for name, each in fields.items()
            if each.init and each.default is dataclasses.MISSING and name not in self._factories
        )
        # What nobody says is None until the row is written; one default serves all rows.
        self._unsaid = {name: each.info.get("default") for name, each in columns.items()}
        self._renamed = [(name, each.name) for name, each in columns.items() if name != each.name]
        # Calls name the same few sets of keywords again and again, in one order each.
        self._fitting: set[tuple[str, ...]] = set()

    def fill(self, held: dict[str, Any], given: dict[str, Any]) -> None:
        """Gives a new row the values that were said, and those that were not.

        Raises:
            TypeError: Something was said that the model does not take, or too little.
        """
        if (names := tuple(given)) not in self._fitting:
            self._check({*names})
            self._fitting.add(names)
        held.update(self._unsaid)
        if self._factories:
            for name, make in self._factories.items():
                held[name] = make()
        held.update(given)

    def values(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a row by the names of their columns."""
        found = dict(held)
        for name, column in self._renamed:
            found[column] = found.pop(name)
        return found

    def _check(self, names: set[str]) -> None:
        unknown, missing = sorted(names - self._taken), sorted(self._needed - names)
        if unknown:
            raise TypeError(f"{self._name}() does not take {', '.join(unknown)}.")
        if missing:
            raise TypeError(f"{self._name}() needs {', '.join(missing)}.")

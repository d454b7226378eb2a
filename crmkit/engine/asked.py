"""One field as a document asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLOutputType

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine.entity import Entity, is_beside, key_leading
from crmkit.engine.lists import Parent
from crmkit.engine.nodes import NodeSpec
from crmkit.engine.plan import Nodes
from crmkit.engine.steps import Cell, Step
from crmkit.store.database import table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Alias


@dataclass(eq=False)
class Asked:
    """One selected field of a node, and the step whose rows it is read from."""

    step: Step
    entity: Entity
    spec: NodeSpec
    declared: f.Declared
    nodes: Nodes
    type: GraphQLOutputType
    arguments: dict[str, Any]

    @property
    def own_id(self) -> Cell:
        return Cell(self.step.place(self.entity.id), required=True)

    def read(self, column: Any) -> Cell:
        """Reads a column of the own row, of a side row, or of a record that the own row names."""
        rows = self._rows(column.table)
        return Cell(self.step.place(rows.c[column.name]), required=self._is_there(rows, column))

    def leaf(self, column: Any) -> b.Leaf:
        """The same column as nothing but a part of the answer."""
        rows = self._rows(column.table)
        place = self.step.written(rows.c[column.name])
        return b.Leaf(Cell(place, required=self._is_there(rows, column)), self.type)

    def parent(self, order_by: Sequence[Any] = (), key: f.Attribute | None = None) -> Parent:
        return Parent(self.step.below, self.own_id, order_by, key, self.step, self.entity)

    def _is_there(self, rows: Alias, column: Any) -> bool:
        return rows is self.entity.table and not column.nullable

    def _rows(self, table: Any) -> Alias:
        own = table_of(self.spec.model)
        if table is own:
            return self.entity.table
        if is_beside(table, own):
            return self.entity.side(table)
        key = self.entity.column(key_leading(own, table))
        model = table.info["model"]
        other = self.step.joined((self.entity, table), Entity.of(model), lambda it: it.id == key)
        return other.table

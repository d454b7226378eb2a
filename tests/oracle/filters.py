"""Values of `where` for generated operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphql import GraphQLInputObjectType, get_named_type

if TYPE_CHECKING:
    from tests.oracle.operations import Writer
    from tests.oracle.values import Values

_JOINED = ("and", "or", "not")
_HOPS = 2
# How often a filter is chosen, or a test of it, among those that are chosen once.
_OFTEN = {"StringFilter": 3, "MoneyFilter": 6, "contains": 3, "startsWith": 3, "between": 3}


class Filters:
    """Makes filters that some of the company's records pass."""

    def __init__(self, writer: Writer, values: Values) -> None:
        self.writer = writer
        self.values = values

    def where(self, kind: str, hops: int) -> dict[str, Any]:
        """What holds of records of a type; nothing, one thing, or several at once."""
        made = self._plain(kind, hops)
        match self.writer.random.randrange(15):
            case 10:
                return {"and": [made, self._plain(kind, hops)]}
            case 11:
                return {"or": [made, self._plain(kind, hops)]}
            case 12:
                return {"not": made}
            case 13:
                return {**made, self.writer.one(("and", "or")): []}
            case 14:
                return {"not": {"or": [made, {"not": self._plain(kind, hops)}]}}
        return made

    def ways(self, kind: str, name: str, test: str) -> Iterator[dict[str, Any]]:
        """Each way in which a field of this type is tested, one after the other."""
        hows = [each for each in self._input(test).fields if each != "currency"]
        if test == "MoneyFilter":
            for currency in sorted({each for each, _ in self.values.money_of(kind, name)})[:2]:
                for how in hows:
                    yield {"currency": currency, how: self._wanted(test, how, ["42", "0"])}
            return
        for how in hows:
            if how == "count":
                yield {how: self._compared("IntFilter", [0, 1, 2, 3])}
            elif test.endswith("ListWhere"):
                yield {how: self.where(test.removesuffix("ListWhere"), 1)}
            else:
                yield {how: self._wanted(test, how, self.values.of(kind, name))}

    def _plain(self, kind: str, hops: int) -> dict[str, Any]:
        fields = self._input(f"{kind}Where").fields
        names = [
            name
            for name, each in fields.items()
            for _ in range(_OFTEN.get(get_named_type(each.type).name, 1))
            if name not in _JOINED
            and (hops < _HOPS or not get_named_type(each.type).name.endswith("Where"))
        ]
        return {
            name: self._of(kind, name, get_named_type(fields[name].type).name, hops)
            for name in self.writer.some(names, 1, self.writer.one((1, 1, 2)))
        }

    def _input(self, name: str) -> GraphQLInputObjectType:
        found = self.writer.schema.get_type(name)
        assert isinstance(found, GraphQLInputObjectType)
        return found

    def _of(self, kind: str, name: str, test: str, hops: int) -> dict[str, Any]:
        if test.endswith("ListWhere"):
            how = self.writer.one(("some", "none", "every", "every", "count"))
            if how == "count":
                return {how: self._compared("IntFilter", [0, 1, 2, 3])}
            return {how: self.where(test.removesuffix("ListWhere"), hops + 1)}
        if test.endswith("Where"):
            return self.where(test.removesuffix("Where"), hops + 1)
        if test == "MoneyFilter":
            currency, amount = self.writer.one(self.values.money_of(kind, name))
            compared = self._compared(test, [amount, "0", "42"])
            return {"currency": currency, **compared}
        return self._compared(test, self.values.of(kind, name))

    def _compared(self, test: str, values: list[Any]) -> dict[str, Any]:
        names = [
            each
            for each in self._input(test).fields
            for _ in range(_OFTEN.get(each, 1))
            if each != "currency"
        ]
        if not values:
            names = ["isNull"]
        return {
            how: self._wanted(test, how, values)
            for how in self.writer.some(names, 1, self.writer.one((1, 1, 2)))
        }

    def _wanted(self, test: str, how: str, values: list[Any]) -> Any:
        one = self.writer.one
        match how:
            case "isNull":
                return one((True, False))
            case "in" | "notIn":
                return self.writer.some(values, 0, 4)
            case "between":
                return dict(zip(("from", "to"), sorted((one(values), one(values))), strict=True))
            case "eq" | "ne" if self.writer.chance(6):
                return None
        return one(values)

"""Random operations on a schema: fragments, aliases, variables, filters, pages, cursors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

TEXTS = ["an", "BEE", "cow", "", "ü", "n", "a'b\"c", "%", "张"]
MOMENTS = ["2020-01-01T00:00:00Z", "2026-01-31T10:00:00+02:00", "2040-12-31T23:59:59.5Z"]
DEEPEST = 7


class Operations:
    """Makes one operation after the other, the same for the same seed."""

    def __init__(
        self,
        schema: GraphQLSchema,
        seed: int,
        roots: Sequence[str],
        ids: Sequence[str],
        cursors: Mapping[str, Sequence[str]],
    ) -> None:
        self.schema, self.random = schema, Random(seed)  # noqa: S311  no secret
        self.roots, self.ids, self.cursors = roots, ids, cursors
        self.wanted: list[tuple[str, Any, Callable[[], Any]]] = []
        self.fragments: list[str] = []

    def next(self) -> tuple[str, list[dict[str, Any]]]:
        """A document, and three sets of variables for it."""
        self.wanted, self.fragments = [], []
        query = self.schema.query_type
        assert query is not None
        body = " ".join(
            self.field(query, self.random.choice(self.roots), 0, f"r{index}: ")
            for index in range(self.random.choice([1, 1, 2]))
        )
        declared = ", ".join(f"${name}: {kind}" for name, kind, _ in self.wanted)
        head = f"query ({declared}) " if declared else ""
        document = " ".join([f"{head}{{ {body} }}", *self.fragments])
        variables = [{name: make() for name, _, make in self.wanted} for _ in range(3)]
        return document, variables

    def field(self, parent: GraphQLObjectType, name: str, depth: int, alias: str = "") -> str:
        field = parent.fields[name]
        given = [
            f"{each}: {value}"
            for each, argument in field.args.items()
            if (value := self.argument(parent, name, each, argument, field)) is not None
        ]
        text = f"{alias}{name}({', '.join(given)})" if given else f"{alias}{name}"
        if self.random.random() < 0.05:
            directive = self.random.choice(["skip", "include"])
            text += f" @{directive}(if: {self.variable('Boolean!', self._boolean)})"
        kind = get_named_type(field.type)
        return text if is_leaf_type(kind) else f"{text} {self.selection(kind, depth + 1)}"

    def selection(self, kind: Any, depth: int) -> str:
        if isinstance(kind, GraphQLInterfaceType):
            possible = self.random.sample(self.schema.get_possible_types(kind), 2)
            parts = [f"... on {each.name} {self.selection(each, depth)}" for each in possible]
            return f"{{ __typename id {' '.join(parts)} }}"
        leaves = [n for n, f in kind.fields.items() if is_leaf_type(get_named_type(f.type))]
        others = [n for n in kind.fields if n not in leaves]
        some = self.random.sample(leaves, min(len(leaves), self.random.choice([1, 2, 4])))
        if depth < DEEPEST:
            few = [1, 1, 2] if kind.name.endswith(("Connection", "Edge")) else [0, 0, 1, 2]
            some += self.random.sample(others, min(len(others), self.random.choice(few)))
        alias = f"a{depth}" if self.random.random() < 0.3 else ""
        parts = [
            self.field(kind, each, depth, f"{alias}_{index}: " if alias else "")
            for index, each in enumerate(some)
        ]
        body = f"{{ {' '.join(parts or ['__typename'])} }}"
        if self.random.random() > 0.1:
            return body
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {kind.name} {body}")
        return f"{{ ... {name} __typename }}"

    # -- arguments ----------------------------------------------------------------------

    def argument(
        self,
        parent: GraphQLObjectType,
        field: str,
        name: str,
        argument: GraphQLArgument,
        of: GraphQLField,
    ) -> str | None:
        required = is_non_null_type(argument.type)
        often = {"first": 0.7, "where": 0.6, "orderBy": 0.4, "after": 0.25}
        if "last" in of.args and name in ("last", "before"):
            return None
        if not required and self.random.random() > often.get(name, 0.5):
            return None
        make = self._maker(argument.type)
        if name == "first":
            make = lambda: self.random.choice([0, 1, 2, 3, 30])  # noqa: E731
        if name in ("after", "before"):
            pool = self.cursors.get(f"{parent.name}.{field}")
            if not pool:
                return None
            make = lambda: self.random.choice([*pool, None])  # noqa: E731
        if self.random.random() < 0.6:
            return self.variable(str(argument.type), make)
        return self.literal(get_nullable_type(argument.type), make())

    def variable(self, kind: str, make: Callable[[], Any]) -> str:
        name = f"v{len(self.wanted)}"
        self.wanted.append((name, kind, make))
        return f"${name}"

    def literal(self, kind: Any, value: Any) -> str:
        kind = get_nullable_type(kind)
        if value is None:
            return "null"
        if isinstance(value, list):
            return f"[{', '.join(self.literal(kind.of_type, each) for each in value)}]"
        if isinstance(kind, GraphQLInputObjectType):
            inner = (f"{k}: {self._within(kind.fields[k].type, v)}" for k, v in value.items())
            return f"{{{', '.join(inner)}}}"
        return value if isinstance(kind, GraphQLEnumType) else json.dumps(value, ensure_ascii=False)

    def _within(self, kind: Any, value: Any) -> str:
        if self.random.random() < 0.3:
            return self.variable(str(kind), self._maker(kind))
        return self.literal(kind, value)

    def _maker(self, kind: Any) -> Callable[[], Any]:
        """Values of one shape or of another, as clients send them."""
        return lambda: self._value(kind, 0)

    def _value(self, kind: Any, depth: int) -> Any:
        if not is_non_null_type(kind) and depth and self.random.random() < 0.05:
            return None
        kind = get_nullable_type(kind)
        if is_list_type(kind):
            count = self.random.choice([0, 1, 1, 2]) if depth < 3 else 1
            return [self._value(kind.of_type, depth + 1) for _ in range(count)]
        if isinstance(kind, GraphQLEnumType):
            return self.random.choice(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, depth)
        values: dict[str, Callable[[], Any]] = {
            "String": lambda: self.random.choice(TEXTS),
            "ID": lambda: self.random.choice([*self.ids, "nobody"]),
            "Int": lambda: self.random.choice([0, 1, 2, -5, 20, 500]),
            "Boolean": self._boolean,
            "BigInt": lambda: self.random.choice(["0", "1", "-7", 300, "99999999999"]),
            "Decimal": lambda: self.random.choice(["0", "3.00", "2.5", "-1", "3.001"]),
            "CurrencyCode": lambda: self.random.choice(["EUR", "EUR", "JPY"]),
            "DateTime": lambda: self.random.choice(MOMENTS),
            "Date": lambda: self.random.choice(["2020-02-29", "2026-01-31"]),
        }
        return values[kind.name]()

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        required = [name for name, each in kind.fields.items() if is_non_null_type(each.type)]
        rest = [
            name
            for name, each in kind.fields.items()
            if name not in required
            and (depth < 3 or not get_named_type(each.type).name.endswith("Where"))
        ]
        some = self.random.sample(rest, min(len(rest), self.random.choice([1, 1, 2])))
        return {name: self._value(kind.fields[name].type, depth + 1) for name in required + some}

    def _boolean(self) -> bool:
        return self.random.random() < 0.5

"""Operations over the real schema, as clients write them: all of the query language.

hypothesis-graphql gives every argument of a field a value, `first` beside `last` and cursors
that nobody gave out: of a hundred of its operations on this schema the endpoint would refuse
seventy, and none has a variable, a directive or a named fragment. So they are made here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from hypothesis import strategies as st

from tests.oracle.filters import Filters
from tests.oracle.values import Values

T = TypeVar("T")
Composite = GraphQLObjectType | GraphQLInterfaceType

# How often each of these fields is asked, among others that are asked once.
_OFTEN = {
    "customers": 8,
    "orders": 5,
    "interactions": 2,
    "tickets": 2,
    "tags": 2,
    "node": 3,
    "timeline": 5,
}
_DEPTH = 3
_WRONG: tuple[dict[str, Any], ...] = (
    {"first": -1},
    {"last": 1001},
    {"first": 1, "last": 1},
    {"after": "bm90IGEgY3Vyc29y"},
    {"before": ""},
)
_LOCALES = ("de", "en", "zh-CN", "fr", "xx")


@dataclass(frozen=True)
class Operation:
    """A document with its variables, and those that wait for cursors of its first answer."""

    document: str
    variables: dict[str, Any]
    cursors: tuple[str, ...]


@dataclass(frozen=True)
class _Variable:
    kind: str
    default: str | None


class Writer:
    """Writes one operation; what it decides, hypothesis draws."""

    def __init__(self, draw: st.DrawFn, values: Values) -> None:
        self.draw = draw
        self.values = values
        self.schema = values.meaning.schema
        self.filters = Filters(self, values)
        self.fragments: dict[str, tuple[str, str]] = {}
        self.variables: dict[str, _Variable] = {}
        self.given: dict[str, Any] = {}
        self.cursors: list[str] = []
        self.narrow = False
        """Whether it asks one list alone, but with a filter."""
        self._count = 0
        self._bare: set[str] = set()

    # -- decisions ------------------------------------------------------------------------

    def chance(self, one_in: int) -> bool:
        """Rarely true; hypothesis makes it false where it simplifies."""
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def one(self, of: Sequence[T]) -> T:
        return self.draw(st.sampled_from(of))

    def some(self, of: Sequence[T], least: int, most: int) -> list[T]:
        most = min(most, len(of))
        return self.draw(st.lists(st.sampled_from(of), min_size=least, max_size=most, unique=True))

    def new(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    # -- the document -----------------------------------------------------------------------

    def operation(self) -> Operation:
        query = self.schema.query_type
        assert query is not None
        names = [name for name in query.fields for _ in range(_OFTEN.get(name, 1))]
        self.narrow = self.chance(2)
        roots = [self.one(names) for _ in range(1 if self.narrow else self.one((1, 1, 2, 3)))]
        depth = 0 if self.narrow else _DEPTH
        body = " ".join(self._field(query, name, depth) for name in roots)
        if self.chance(8):
            body = f"{body} __typename"
        if self.chance(8):
            body = f"... on Query {{ {body} }}"
        head = ", ".join(
            f"${name}: {each.kind}" + (f" = {each.default}" if each.default else "")
            for name, each in self.variables.items()
        )
        parts = [f"query{f' Asked({head})' if head else ''} {{ {body} }}"]
        parts += [f"fragment {name} {text}" for name, (_, text) in self.fragments.items()]
        return Operation("\n".join(parts), self.given, tuple(self.cursors))

    def _selection(self, kind: Composite, depth: int) -> str:
        """What is selected of a type, in braces; now and then as a fragment."""
        known = [name for name, (of, _) in self.fragments.items() if of == kind.name]
        if known and self.chance(2):
            return f"{{ ...{self.one(known)}{self._directive()} }}"
        body = self._body(kind, depth)
        if self.chance(6):
            name = self.new("F")
            self.fragments[name] = (kind.name, f"on {kind.name} {{ {body} }}")
            return f"{{ ...{name}{self._directive()} __typename }}"
        if self.chance(8):
            return f"{{ __typename ... on {kind.name}{self._directive()} {{ {body} }} }}"
        return f"{{ {body} }}"

    def _body(self, kind: Composite, depth: int) -> str:
        leaves = [name for name, each in kind.fields.items() if _is_leaf(each)]
        others = [name for name in kind.fields if name not in leaves]
        wanted = self.some(leaves, 1, 4)
        if depth > 0 and others:
            others = [name for name in others for _ in range(_OFTEN.get(name, 1))]
            wanted += self.some(others, 0, 2 if depth > 1 else 1)
        parts = [self._field(kind, name, depth - 1) for name in wanted]
        if isinstance(kind, GraphQLInterfaceType):
            parts.append("__typename")
            parts += [
                f"... on {each.name}{self._directive()} {self._apart(each, depth)}"
                for each in self.some(self._kinds(kind), 0, 2)
            ]
        return " ".join(parts)

    def _apart(self, kind: GraphQLObjectType, depth: int) -> str:
        """Fields of one kind of several, under names of their own: types may differ."""
        leaves = [name for name, each in kind.fields.items() if _is_leaf(each)]
        parts = [
            f"{self.new('a')}: {self._field(kind, name, 0, alias=False)}"
            for name in self.some(leaves, 1, 3)
        ]
        others = [name for name in kind.fields if name not in leaves]
        if depth > 0 and others:
            name = self.one(others)
            parts.append(f"{self.new('a')}: {self._field(kind, name, depth - 1, alias=False)}")
        return f"{{ {' '.join(parts)} }}"

    def _kinds(self, kind: GraphQLInterfaceType) -> list[GraphQLObjectType]:
        return sorted(self.schema.get_possible_types(kind), key=lambda each: each.name)

    def _field(self, kind: Composite, name: str, depth: int, *, alias: bool = True) -> str:
        field = kind.fields[name]
        text = f"{name}{self._arguments(kind, name, field)}{self._directive()}"
        target = get_named_type(field.type)
        if not is_leaf_type(target):
            text = f"{text} {self._below(target, field, depth)}"
        if not alias or (not field.args and not self.chance(8)):
            return text
        if field.args and name not in self._bare and self.chance(2):
            # Under its own name it stands once: with other arguments it would not merge.
            self._bare.add(name)
            return text
        return f"{self.new('a')}: {text}"

    def _below(self, target: GraphQLNamedType, field: GraphQLField, depth: int) -> str:
        assert isinstance(target, Composite)
        if not target.name.endswith("Connection"):
            return self._selection(target, depth)
        node = get_named_type(target.fields["nodes"].type)  # type: ignore[union-attr]
        assert isinstance(node, Composite)
        parts = self.some(("nodes", "edges", "totalCount", "pageInfo", "__typename"), 1, 3)
        if not {"nodes", "edges"} & set(parts):
            parts.append("nodes")
        told = {
            "nodes": lambda: f"nodes{self._directive()} {self._selection(node, depth)}",
            "edges": lambda: f"edges {{ cursor node {self._selection(node, depth)} }}",
            "pageInfo": lambda: (
                "pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename }"
            ),
        }
        texts = [told[each]() if each in told else each for each in parts]
        if self._waiting:
            # Under the name of the variable one finds the cursors that are good for it.
            texts.append(f"{self._waiting}: pageInfo {{ startCursor endCursor }}")
            self._waiting = ""
        return f"{{ {' '.join(texts)} }}"

    _waiting = ""

    def _directive(self) -> str:
        which = self.draw(st.integers(0, 23))
        if which < 21:
            return ""
        name = ("skip", "include")[which % 2]
        boolean = GraphQLNonNull(self.schema.get_type("Boolean"))  # type: ignore[arg-type]
        return f" @{name}(if: {self.literal(boolean, self.draw(st.booleans()))})"

    # -- arguments --------------------------------------------------------------------------

    def _arguments(self, kind: Composite, name: str, field: GraphQLField) -> str:
        target = get_named_type(field.type).name
        if target.endswith("Connection"):
            given = self._page(kind, target.removesuffix("Connection"), field)
        else:
            given = self._others(name, field)
        parts = [
            f"{each}: {self.literal(field.args[each].type, value)}" for each, value in given.items()
        ]
        parts += self._cursor(kind, name, field, given)
        return f"({', '.join(parts)})" if parts else ""

    def _others(self, name: str, field: GraphQLField) -> dict[str, Any]:
        if name == "node":
            return {"id": self.one(self.values.ids)}
        if name == "nodes":
            return {"ids": [self.one(self.values.ids) for _ in range(self.one((1, 3, 0)))]}
        if "locale" in field.args and self.chance(3):
            return {"locale": self.one((*_LOCALES, None))}
        return {}

    def _page(self, kind: Composite, target: str, field: GraphQLField) -> dict[str, Any]:
        is_root = kind.name == "Query"
        if is_root and self.chance(30):
            return dict(self.one(_WRONG))
        size = self.draw(st.integers(0, 12 if is_root else 4))
        size = 25 if size == 0 and not self.chance(3) else size
        given: dict[str, Any] = {"last" if self.chance(4) else "first": size}
        if self.chance(6):
            given = {"first": None} if self.chance(2) else {}
        if "kinds" in field.args:
            values = list(get_named_type(field.args["kinds"].type).values)  # type: ignore[union-attr]
            return given | ({"kinds": self.some(values, 0, 3)} if self.chance(2) else {})
        if self.narrow or self.chance(3):
            given["where"] = self.filters.where(target, 0)
        if self.chance(2):
            values = list(get_named_type(field.args["orderBy"].type).values)  # type: ignore[union-attr]
            given["orderBy"] = self.some(values, 0, 3)
        return given

    def _cursor(
        self, kind: Composite, name: str, field: GraphQLField, given: dict[str, Any]
    ) -> list[str]:
        """A variable for a cursor that the first answer will give."""
        if "after" not in field.args or len(self.cursors) > 1 or {"after", "before"} & set(given):
            return []
        if not self.chance(2):
            return []
        variable = self._waiting = self.new("c")
        self.cursors.append(variable)
        self.variables[variable] = _Variable("String", None)
        return [f"{self.one(('after', 'after', 'before'))}: ${variable}"]

    def literal(self, kind: GraphQLInputType, value: Any) -> str:
        """A value as a document has it, or a variable that holds it."""
        how = self.draw(st.integers(0, 15))
        if how < 13:
            return self._literal(kind, value)
        name = self.new("v")
        default = self._plain(kind, value) if how > 13 else None
        self.variables[name] = _Variable(str(kind), default)
        if how < 15:
            self.given[name] = value
        return f"${name}"

    def _literal(self, kind: GraphQLInputType, value: Any) -> str:
        bare = get_nullable_type(kind)
        if value is None:
            return "null"
        if isinstance(bare, GraphQLList):
            return f"[{', '.join(self.literal(bare.of_type, each) for each in value)}]"
        if isinstance(bare, GraphQLInputObjectType):
            fields = bare.fields
            return _braced(f"{k}: {self.literal(fields[k].type, v)}" for k, v in value.items())
        return self._plain(kind, value)

    def _plain(self, kind: GraphQLInputType, value: Any) -> str:
        """A constant, as a default has to be."""
        bare = get_nullable_type(kind)
        if value is None:
            return "null"
        if isinstance(bare, GraphQLList):
            return f"[{', '.join(self._plain(bare.of_type, each) for each in value)}]"
        if isinstance(bare, GraphQLInputObjectType):
            fields = bare.fields
            return _braced(f"{k}: {self._plain(fields[k].type, v)}" for k, v in value.items())
        if isinstance(bare, GraphQLEnumType):
            return str(value)
        return json.dumps(str(value) if bare.name == "BigInt" else value, ensure_ascii=False)


def _braced(parts: Iterable[str]) -> str:
    return "{" + ", ".join(parts) + "}"


def _is_leaf(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type))


@st.composite
def operations(draw: st.DrawFn, values: Values) -> Operation:
    """Operations that this company can answer."""
    return Writer(draw, values).operation()

"""Operations over the real schema, as clients write them: all of the query language.

hypothesis-graphql gives every argument of a field a value, `first` beside `last` and cursors
that nobody gave out: of a hundred of its operations on this schema the endpoint would refuse
seventy, and none has a variable, a directive or a named fragment. So they are made here, of
a seed and a number: either one that was answered wrongly can be asked again by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
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

from tests.oracle.filters import Filters
from tests.oracle.twins import UNTOLD
from tests.oracle.values import Values
from tests.oracle.variants import Variants

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
    "zooAnimals": 15,
    "zooTour": 3,
}
_OF_ROWS = ("Connection", "Stats")  # what a function answers, the oracle cannot know
_DEPTHS = (1, 1, 2, 2, 3)
_VARIANTS = 1
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
    """A document, its variables now and then, and those that wait for cursors of an answer."""

    document: str
    variables: Sequence[Mapping[str, Any]] = ({},)
    cursors: Sequence[str] = ()


@dataclass(frozen=True)
class _Variable:
    kind: GraphQLInputType
    value: Any
    default: str | None
    given: bool


class Writer:
    """Writes one operation; what it decides, it leaves to chance."""

    def __init__(self, random: Random, values: Values) -> None:
        self.random = random
        self.values = values
        self.schema = values.meaning.schema
        self.filters = Filters(self, values)
        self.variants = Variants(random, values)
        self.fragments: dict[str, tuple[str, str]] = {}
        self.variables: dict[str, _Variable] = {}
        self.cursors: list[str] = []
        self.narrow = False
        """Whether it asks one list alone, but with a filter."""
        self.faulty = True
        """Whether it asks now and then what must not be asked."""
        self._count = 0
        self._bare: set[str] = set()

    # -- decisions ------------------------------------------------------------------------

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def one(self, of: Sequence[T]) -> T:
        return self.random.choice(of)

    def some(self, of: Sequence[T], least: int, most: int) -> list[T]:
        """Different ones of these; what stands there more often is chosen more often."""
        size = self.random.randint(least, most)
        return list(dict.fromkeys(self.random.sample(of, min(size, len(of)))))

    def new(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    # -- the document -----------------------------------------------------------------------

    def operation(self) -> Operation:
        query = self.schema.query_type
        assert query is not None
        names = [
            name
            for name, field in query.fields.items()
            if name in ("node", "nodes") or get_named_type(field.type).name.endswith(_OF_ROWS)
            for _ in range(1 if name.endswith("Stats") else 4 * _OFTEN.get(name, 1))
        ]
        self.narrow = self.chance(2)
        roots = [self.one(names) for _ in range(1 if self.narrow else self.one((1, 1, 2, 3)))]
        depth = 0 if self.narrow else self.one(_DEPTHS)
        body = " ".join(self._field(query, name, depth) for name in roots)
        if self.chance(8):
            body = f"{body} __typename"
        if self.chance(8):
            body = f"... on Query {{ {body} }}"
        parts = [f"query{self._head()} {{ {body} }}", *self._fragments()]
        return Operation("\n".join(parts), self._sets(), self.cursors)

    def tests(self) -> Iterator[Operation]:
        """Of each kind of filters one field, tested in all ways."""
        found: dict[str, list[tuple[str, str, str, GraphQLInputObjectType]]] = {}
        for root, kind, name, test in self._tested():
            alike = "lists" if test.name.endswith("ListWhere") else _compared_by(test)
            found.setdefault(alike, []).append((root, kind, name, test))
        for places in found.values():
            root, kind, name, test = self.one(places)
            for given in self.filters.ways(kind, name, test.name):
                text = f"{root}(where: {{{name}: {self._plain(test, given)}}})"
                yield Operation(f"{{ {text} {{ totalCount nodes {{ id }} }} }}")

    def _tested(self) -> Iterator[tuple[str, str, str, GraphQLInputObjectType]]:
        """All lists and fields that can be filtered by values that are there."""
        assert self.schema.query_type is not None
        for root, field in self.schema.query_type.fields.items():
            kind = get_named_type(field.type).name.removesuffix("Connection")
            if "orderBy" not in field.args:
                continue
            where = get_named_type(field.args["where"].type)
            for name, each in where.fields.items():  # type: ignore[union-attr]
                test = get_named_type(each.type)
                if test.name.endswith(("ListWhere", "MoneyFilter")) or (
                    not test.name.endswith("Where") and self.values.of(kind, name)
                ):
                    yield root, kind, name, test  # type: ignore[misc]

    def payload(self, mutation: str, record: str) -> Operation:
        """A mutation that selects much of the record in its payload."""
        assert self.schema.mutation_type is not None
        self.faulty = False  # Of a mutation that is refused there is no payload.
        field = self.schema.mutation_type.fields[mutation]
        kind = get_named_type(get_named_type(field.type).fields[record].type)  # type: ignore[union-attr]
        selection = self._selection(kind, self.one(_DEPTHS))  # type: ignore[arg-type]
        body = f"{mutation}(input: $input) {{ {record} {selection} its: {record} {{ id }} }}"
        head = self._head(f"$input: {field.args['input'].type}")
        parts = [f"mutation{head} {{ {body} }}", *self._fragments()]
        return Operation("\n".join(parts), self._sets())

    def _fragments(self) -> list[str]:
        return [f"fragment {name} {text}" for name, (_, text) in self.fragments.items()]

    def _head(self, *more: str) -> str:
        declared = [*more, *(f"${name}: String" for name in self.cursors)]
        declared += [
            f"${name}: {each.kind}" + (f" = {each.default}" if each.default else "")
            for name, each in self.variables.items()
        ]
        return f" Asked({', '.join(declared)})" if declared else ""

    def _sets(self) -> list[dict[str, Any]]:
        """The variables as they were meant, and others: for the same plan or for another."""
        meant = {name: each.value for name, each in self.variables.items() if each.given}
        if not self.variables:
            return [meant]
        return [meant, *({**meant, **self._others_of()} for _ in range(_VARIANTS))]

    def _others_of(self) -> dict[str, Any]:
        return {
            name: self.variants.of(each.kind, each.value)
            for name, each in self.variables.items()
            if not self.chance(3)
        }

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
        others = _leading_on(kind, leaves)
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
        others = _leading_on(kind, leaves)
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
        texts = []
        if self._waiting and not self.chance(20):
            # Under the name of the variable one finds the cursors that are good for it, but
            # rarely those of a list within, which are not.
            texts.append(f"{self._waiting}: pageInfo {{ startCursor endCursor }}")
            self._waiting = ""
        texts += [told[each]() if each in told else each for each in parts]
        return f"{{ {' '.join(texts)} }}"

    _waiting = ""

    def _directive(self) -> str:
        if not self.chance(8):
            return ""
        name = self.one(("skip", "include"))
        boolean = GraphQLNonNull(self.schema.get_type("Boolean"))  # type: ignore[arg-type]
        return f" @{name}(if: {self.literal(boolean, self.one((True, False)))})"

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
        if "by" in field.args:
            return self._stats(field)
        if "locale" in field.args and self.chance(3):
            return {"locale": self.one((*_LOCALES, None))}
        return {
            each: self._drawn(get_named_type(argument.type))
            for each, argument in field.args.items()
            if each != "locale" and self.chance(2)
        }

    def _drawn(self, kind: GraphQLNamedType) -> Any:
        """A value for an argument of an author's function."""
        if isinstance(kind, GraphQLEnumType):
            return self.one(list(kind.values))
        return self.one({"Boolean": (True, False), "Int": (1, 2, 3)}[kind.name])

    def _stats(self, field: GraphQLField) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if self.narrow or self.chance(3):
            target = get_named_type(field.type).name.removesuffix("Stats")
            given["where"] = self.filters.where(target, 0)
        if not self.chance(4):
            values = list(get_named_type(field.args["by"].type).values)  # type: ignore[union-attr]
            given["by"] = self.some(values, 0, self.one((1, 1, 2, 3)))
        return given

    def _page(self, kind: Composite, target: str, field: GraphQLField) -> dict[str, Any]:
        if self.faulty and self.chance(60):
            return dict(self.one(_WRONG))
        size = self.random.randint(0, 12 if kind.name == "Query" else 4)
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
        return [f"{self.one(('after', 'after', 'before'))}: ${variable}"]

    def literal(self, kind: GraphQLInputType, value: Any) -> str:
        """A value as a document has it, or a variable that holds it."""
        if not self.chance(5):
            return self._literal(kind, value)
        name = self.new("v")
        has_default, given = self.one(((False, True), (True, True), (True, False)))
        default = self._plain(kind, value) if has_default else None
        self.variables[name] = _Variable(kind, value, default, given)
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


def _compared_by(test: GraphQLInputObjectType) -> str:
    """What a filter compares; enums are all alike."""
    some = next(each for name, each in test.fields.items() if name not in ("currency", "isNull"))
    kind = get_named_type(some.type)
    return "enum" if isinstance(kind, GraphQLEnumType) else test.name


def _leading_on(kind: Composite, leaves: Sequence[str]) -> list[str]:
    """The fields that lead to others, but for those that no twin answers."""
    return [name for name in kind.fields if name not in leaves and (kind.name, name) not in UNTOLD]


def _is_leaf(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type))


def operation(values: Values, seed: str, number: int) -> Operation:
    """One of the operations of this seed, which this company can answer."""
    return Writer(Random(f"{seed}/{number}"), values).operation()  # noqa: S311  no secret

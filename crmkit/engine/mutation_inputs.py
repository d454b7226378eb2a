"""Inputs and payloads of mutations: the author's frozen dataclasses as GraphQL types."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, SimpleNamespace, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.base import StrawberryOptional
from strawberry.utils.str_converters import to_camel_case

from crmkit.engine.descriptions import attribute_docs, description_of
from crmkit.engine.fields import JSON, BigInt, CurrencyCode, Ref, Secret
from crmkit.engine.made_types import MadeField, made_type
from crmkit.engine.mutation_shapes import (
    ChoiceShape,
    DayShape,
    DecimalShape,
    JsonShape,
    ListShape,
    Member,
    MomentShape,
    MoneyShape,
    NodeShape,
    OptionalShape,
    RecordShape,
    RefShape,
    SecretShape,
    Shape,
    TextShape,
)
from crmkit.engine.nodes import Node, NodeSpec, node_spec
from crmkit.values.errors import SetupError
from crmkit.values.money import Money

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField


class Unset(Enum):
    """The type of `UNSET`: what a client left out, where null says something else."""

    UNSET = "unset"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET

_SECTION = re.compile(r"\n\s*\n(Args|Raises|Returns):")
_PLAIN = {int, float, bool, BigInt}
_TEXTS = {str, CurrencyCode, strawberry.ID}
_SHAPES = {Decimal: DecimalShape, datetime: MomentShape, date: DayShape}


class Types:
    """The input and payload types of one schema, each made once."""

    def __init__(self, nodes: Mapping[str, type]) -> None:
        self._nodes = nodes
        specs = [spec for each in nodes.values() if (spec := node_spec(each)) is not None]
        self._specs = {each.prefix: each for each in specs}
        self._sources: dict[str, tuple[type, bool]] = {n: (cls, True) for n, cls in nodes.items()}
        self._made: dict[str, RecordShape] = {}

    def input(
        self, cls: type, name: str | None = None, extra: Sequence[StrawberryField] = ()
    ) -> RecordShape:
        """The input type of a frozen dataclass, with fields that the framework adds."""
        name = name or (cls.__name__ if cls.__name__.endswith("Input") else f"{cls.__name__}Input")
        return self._record(cls, name, extra, out=False)

    def payload(
        self, cls: type, name: str | None = None, extra: Sequence[StrawberryField] = ()
    ) -> RecordShape:
        """The payload type of a dataclass."""
        return self._record(cls, name or cls.__name__, extra, out=True)

    def result(self, payload: RecordShape, name: str, extra: Sequence[StrawberryField]) -> type:
        """The fields of a payload, all of them nullable, beside others."""
        self._take(name, payload.cls, out=True)
        own = [
            made_field(each.attribute, each.name, _nullable(each.shape.kind), each.description)
            for each in payload.members
        ]
        for each in extra:
            if each.python_name in payload.names:
                raise SetupError(
                    f"{_named(payload.cls)}.{each.python_name} is what every bulk mutation answers "
                    "by itself; rename the field."
                )
        return made_type(name, [*extra, *own], described(payload.cls))

    def framed(self, name: str, cls: type, fields: Sequence[StrawberryField], *, out: bool) -> type:
        """A type of ours around those that an author's class makes."""
        self._take(name, cls, out=out)
        return made_type(name, fields, described(cls), is_input=not out)

    def hints(self, owner: type) -> dict[str, Any]:
        """What a class says its fields are; nodes may be imported under TYPE_CHECKING."""
        wanted = {each.name for each in dataclasses.fields(owner)}
        found: dict[str, Any] = {}
        for base in reversed(owner.__mro__):
            own = {n: h for n, h in vars(base).get("__annotations__", {}).items() if n in wanted}
            found |= self.evaluated(own, base.__module__, _named(owner))
        return found

    def evaluated(self, annotations: Mapping[str, Any], module: str, who: str) -> dict[str, Any]:
        """Evaluates annotations in their module, where absent names are nodes of this schema."""
        space = {**self._nodes, **vars(sys.modules[module])}
        holder: Any = SimpleNamespace(__annotations__=dict(annotations))
        try:
            return get_type_hints(holder, globalns=space, include_extras=True)
        except NameError as error:
            raise SetupError(
                f"{who}: {error}; import it outside TYPE_CHECKING, or load the plugin whose node it is."
            ) from None

    # -- dataclasses ------------------------------------------------------------------------

    def _record(
        self, cls: type, name: str, extra: Sequence[StrawberryField], *, out: bool
    ) -> RecordShape:
        if self._sources.get(name) == (cls, out) and name in self._made:
            return self._made[name]
        self._take(name, cls, out=out)
        members = tuple(self._members(cls, out=out))
        declared = {each.name: each for each in dataclasses.fields(cls)}
        fields = [_strawberry_field(each, declared[each.attribute], out=out) for each in members]
        kind = made_type(name, [*fields, *extra], described(cls), is_input=not out)
        self._made[name] = RecordShape(cls, kind, members)
        return self._made[name]

    def _take(self, name: str, cls: type, *, out: bool) -> None:
        """Keeps a name for a class, which also finds one that holds itself."""
        if name in self._sources:
            other, _ = self._sources[name]
            if other is not cls:
                raise SetupError(
                    f"{_named(other)} and {_named(cls)} both make the GraphQL type {name}; "
                    "rename one of them."
                )
            raise SetupError(
                f"{_named(cls)} holds itself, or is an input and a payload at once; make it two classes."
            )
        self._sources[name] = (cls, out)

    def _members(self, cls: type, *, out: bool) -> Iterator[Member]:
        if not dataclasses.is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise SetupError(
                f"{_named(cls)} must not change; write @dataclass(frozen=True) above it."
            )
        docs, hints = _docs(cls), self.hints(cls)
        for each in dataclasses.fields(cls):
            where = f"{_named(cls)}.{each.name}"
            if each.name not in docs:
                raise SetupError(f"{where} has no description; write a string under the attribute.")
            shape = self._shape(hints[each.name], where, out=out)
            if not out and _default(each) is strawberry.UNSET:
                shape = _may_be_left_out(shape)
            if out and isinstance(shape, SecretShape):
                raise SetupError(f"{where} is a secret, which no repeat is told; make it nullable.")
            name = each.metadata.get("name") or graphql_name(each.name)
            yield Member(each.name, name, shape, docs[each.name])

    # -- values -----------------------------------------------------------------------------

    def _shape(self, hint: Any, where: str, *, out: bool) -> Shape:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return self._union(hint, where, out=out)
        if origin is Ref:
            return RefShape(self._targets(arguments[0], where))
        if isinstance(origin, type):
            if issubclass(origin, Sequence):
                return ListShape(self._shape(arguments[0], where, out=out))
            if issubclass(origin, Mapping):
                return JsonShape(keyed=True)
        return self._plain(hint, where, out=out)

    def _union(self, hint: Any, where: str, *, out: bool) -> Shape:
        arguments = get_args(hint)
        rest = [each for each in arguments if each not in (NoneType, Unset)]
        if len(rest) != 1 or (out and Unset in arguments):
            raise SetupError(
                f"{where} is {hint}, which GraphQL has no type for; say one type, or null."
            )
        return OptionalShape(self._shape(rest[0], where, out=out), nullable=NoneType in arguments)

    def _targets(self, target: Any, where: str) -> Mapping[str, NodeSpec]:
        if target is Node:
            return self._specs
        spec = node_spec(target) if isinstance(target, type) else None
        if spec is None:
            raise SetupError(
                f"{where} refers to {target}, which is no node; decorate it with @sdk.node."
            )
        return {spec.prefix: spec}

    def _plain(self, hint: Any, where: str, *, out: bool) -> Shape:
        if hint in _PLAIN:
            return Shape(hint)
        if hint in _TEXTS:
            return TextShape(hint)
        if hint is Secret:
            return SecretShape(str)
        if hint in _SHAPES:
            return _SHAPES[hint]()
        if hint is Money:
            return MoneyShape(out=out)
        if hint is JSON or hint is dict:
            return JsonShape(keyed=hint is dict)
        if isinstance(hint, type):
            return self._class(hint, where, out=out)
        raise _no_type(hint, where)

    def _class(self, cls: type, where: str, *, out: bool) -> Shape:
        if issubclass(cls, Enum):
            if not hasattr(cls, "__strawberry_definition__"):
                raise SetupError(f"{where} is the enum {_named(cls)}; write @sdk.enum above that.")
            return ChoiceShape(cls)
        if cls is Node or node_spec(cls) is not None:
            if not out:
                raise SetupError(
                    f"{where} is a node, which no input can hold; say sdk.Ref[{cls.__name__}]."
                )
            return NodeShape(cls)
        if dataclasses.is_dataclass(cls):
            return self.payload(cls) if out else self.input(cls)
        raise _no_type(cls, where)


def made_field(
    python_name: str, name: str, kind: Any, description: str, default: Any = MISSING
) -> StrawberryField:
    """A field of a type that no class declares."""
    given = {"default_factory": list} if default == () else {"default": default}
    return MadeField(
        python_name=python_name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(kind),
        description=description,
        **given,
    )


def graphql_name(attribute: str) -> str:
    """The name of an attribute in GraphQL; Python's own words lose their underscore."""
    return to_camel_case(attribute.rstrip("_"))


def described(thing: Any) -> str:
    """What a class or a function says of itself before it comes to details.

    Raises:
        SetupError: It says nothing.
    """
    found = description_of(thing)
    if not found:
        raise SetupError(f"{_named(thing)} has no description; write a docstring.")
    return _SECTION.split(found, maxsplit=1)[0]


def _strawberry_field(
    member: Member, declared: dataclasses.Field[Any], *, out: bool
) -> StrawberryField:
    default = MISSING if out else _default(declared)
    return made_field(member.attribute, member.name, member.shape.kind, member.description, default)


def _default(declared: dataclasses.Field[Any]) -> Any:
    """The default that the schema shows; one it cannot show is only known to the class."""
    if declared.default is MISSING and declared.default_factory is MISSING:
        return MISSING
    if declared.default == () or declared.default_factory in (list, tuple):
        return ()
    shown = isinstance(declared.default, str | int | Enum) and declared.default is not UNSET
    return declared.default if shown else strawberry.UNSET


def _may_be_left_out(shape: Shape) -> Shape:
    return shape if isinstance(shape, OptionalShape) else OptionalShape(shape, nullable=False)


def _nullable(kind: Any) -> Any:
    return kind if isinstance(kind, StrawberryOptional) else StrawberryOptional(kind)


def _docs(cls: Any) -> dict[str, str]:
    """The strings under attributes; of a class made at run time, what its fields say."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        docs |= attribute_docs(base)
    said = {each.name: each.metadata.get("description") for each in dataclasses.fields(cls)}
    return docs | {name: doc for name, doc in said.items() if doc}


def _named(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _no_type(hint: Any, where: str) -> SetupError:
    return SetupError(
        f"{where} is {hint}, which GraphQL has no type for; use a scalar, an enum, sdk.Money, "
        "sdk.Ref[...], a frozen dataclass, or a list of these."
    )

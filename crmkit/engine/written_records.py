"""Records of mutations, read and dumped by functions that are written out once for a class.

A reader knows only what is plainly right. Whatever is not it leaves to the shape, which reads the
input once more, field by field, and says what is wrong and where. The source is made of names
like `k12` alone: names of fields, classes and functions are handed to it as constants.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from crmkit.engine import mutation_shapes as s
from crmkit.engine.nodes import NodeSpec
from crmkit.engine.source import Source
from crmkit.values import ids
from crmkit.values.errors import Failure

NamedIds = dict[str, NodeSpec]
"""The ids that an input names, each with what it is an id of."""

Reader = Callable[[Mapping[str, Any], NamedIds], Any]
Dump = Callable[[Any], dict[str, Any]]


class Odd(Exception):
    """An input is not plainly right; reading it field by field says what is wrong, if anything."""


def reader(shape: s.RecordShape) -> Reader:
    """What makes the author's class of a coerced input, and notes the ids in it.

    It raises `Odd` where the shape has to look.
    """
    made: Reader = _Reader().made(shape)
    return made


def dumper(shape: s.RecordShape) -> Dump:
    """What makes JSON of the author's value, from which the shape's `load` makes it again."""
    made: Dump = _Dumper().made(shape)
    return made


class _Writer(Source):
    """Writes the source of functions of records."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__({**names, "__builtins__": {"len": len, "tuple": tuple, "type": type}})
        self.source = ""

    def made(self, shape: s.RecordShape) -> Any:
        name = self.record(shape)
        exec(self.source, self.names)  # noqa: S102  it is made of names like k12 alone
        return self.names[name]

    def record(self, shape: s.RecordShape) -> str:
        """The name of a function of a record of this shape."""
        raise NotImplementedError

    def function(self, given: str, lines: Sequence[str]) -> str:
        name = self.name("f")
        self.source += "\n".join([f"def {name}({given}):", *_indented(lines), ""])
        return name


class _Reader(_Writer):
    """Its functions take a value `v` and the ids `i`; of a field, the lines leave it in `v`."""

    def __init__(self) -> None:
        super().__init__(
            {
                "odd": Odd,
                "new": object.__new__,
                "failed": Failure,
                "nul": "\0",
                "fault_of": s.fault_of_text,
                "prefix_of": ids.prefix_of,
            }
        )
        self._kinds: dict[type[s.Shape], Callable[[Any], list[str]]] = {
            s.TextShape: self._text,
            s.SecretShape: self._text,
            s.ChoiceShape: self._choice,
            s.RefShape: self._ref,
            s.OptionalShape: self._optional,
            s.ListShape: self._list,
            s.RecordShape: lambda shape: [f"v = {self.record(shape)}(v, i)"],
        }

    def record(self, shape: s.RecordShape) -> str:
        lines = []
        for each in shape.members:
            name, attribute = self.constant(each.name), self.constant(each.attribute)
            field = [f"v = r[{name}]", *self._value(each.shape), f"g[{attribute}] = v"]
            lines += [f"if {name} in r:", *_indented(field)]
        begin, end = self._filled(shape.cls) if _is_plain(shape.cls) else self._called(shape.cls)
        return self.function("r, i", [*begin, *lines, *end])

    def _called(self, cls: type) -> tuple[list[str], list[str]]:
        """Lines that hand what was read to a class's own constructor."""
        made = f"return {self.constant(cls)}(**g)"
        return ["g = {}"], [f"try: {made}", "except failed: raise odd from None"]

    def _filled(self, cls: Any) -> tuple[list[str], list[str]]:
        """Lines that fill a frozen dataclass as its constructor does, which sets field by field."""
        begin = [f"m = new({self.constant(cls)})", "g = m.__dict__"]
        for each in dataclasses.fields(cls):
            if each.default is not dataclasses.MISSING:
                value = self.constant(each.default)
            elif each.default_factory is not dataclasses.MISSING:
                value = f"{self.constant(each.default_factory)}()"
            else:
                continue
            begin.append(f"g[{self.constant(each.name)}] = {value}")
        end = [f"if len(g) != {len(dataclasses.fields(cls))}: raise odd"]
        if (check := getattr(cls, "__post_init__", None)) is not None:
            end += [f"try: {self.constant(check)}(m)", "except failed: raise odd from None"]
        return begin, [*end, "return m"]

    def _value(self, shape: s.Shape) -> list[str]:
        if type(shape).read is s.Shape.read:
            return []
        if (write := self._kinds.get(type(shape))) is not None:
            return write(shape)
        return [f"v = {self.constant(partial(_read, shape))}(v, i)"]

    def _text(self, _: s.Shape) -> list[str]:
        return ["if nul in v or not (v.isascii() or fault_of(v) is None): raise odd"]

    def _choice(self, shape: s.ChoiceShape) -> list[str]:
        kind = self.constant(shape.kind)
        return [f"if type(v) is not {kind}: v = {kind}(v)"]

    def _ref(self, shape: s.RefShape) -> list[str]:
        specs = self.constant(shape.specs)
        return [f"t = {specs}.get(prefix_of(v))", "if t is None: raise odd", "i[v] = t"]

    def _optional(self, shape: s.OptionalShape) -> list[str]:
        inner = self._value(shape.of)
        if not shape.nullable:
            return ["if v is None: raise odd", *inner]
        return ["if v is not None:", *_indented(inner)] if inner else []

    def _list(self, shape: s.ListShape) -> list[str]:
        inner = self._value(shape.of)
        if not inner:
            return ["v = tuple(v)"]
        item = self.function("v, i", [*inner, "return v"])
        return [f"v = tuple([{item}(e, i) for e in v])"]


class _Dumper(_Writer):
    """Its functions take the author's value."""

    def __init__(self) -> None:
        super().__init__({})
        self._kinds: dict[type[s.Shape], Callable[[Any, str], str]] = {
            s.NodeShape: lambda _, value: f"{value}.id",
            s.OptionalShape: self._optional,
            s.ListShape: self._list,
            s.RecordShape: lambda shape, value: f"{self.record(shape)}({value})",
        }

    def record(self, shape: s.RecordShape) -> str:
        cells = []
        for each in shape.members:
            own = f"{self.constant(attrgetter(each.attribute))}(r)"
            cells.append(f"{self.constant(each.attribute)}: {self._value(each.shape, own)}")
        return self.function("r", [f"return {{{', '.join(cells)}}}"])

    def _value(self, shape: s.Shape, value: str) -> str:
        if (write := self._kinds.get(type(shape))) is not None:
            return write(shape, value)
        is_same = type(shape).dump is s.Shape.dump
        return value if is_same else f"{self.constant(shape.dump)}({value})"

    def _optional(self, shape: s.OptionalShape, value: str) -> str:
        own = self.name("v")
        return f"(None if ({own} := {value}) is None else {self._value(shape.of, own)})"

    def _list(self, shape: s.ListShape, value: str) -> str:
        own = self.function("v", [f"return {self._value(shape.of, 'v')}"])
        return f"[{own}(e) for e in {value}]"


def _read(shape: s.Shape, value: Any, named: NamedIds) -> Any:
    """Reads with the shape itself what seldom stands in an input."""
    reading = s.Reading()
    made = shape.read(value, (), reading)
    if reading.problems:
        raise Odd
    named.update({each.id: each.spec for each in reading.ids})
    return made


def _is_plain(cls: Any) -> bool:
    """Whether a dataclass is made of its fields alone, by the constructor that it was given."""
    made = getattr(cls.__init__, "__code__", None)
    fields = [each.name for each in dataclasses.fields(cls)]
    return (
        made is not None
        and made.co_filename == "<string>"  # where dataclasses write
        and sorted(inspect.signature(cls).parameters) == sorted(fields)
        and cls.__new__ is object.__new__
        and cls.__dictoffset__ != 0
    )


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]

"""A builder for one plan: Python that makes the answer straight from the drivers' rows.

It knows only answers without errors. Whatever is not as it should be raises, and the
exact builder makes the answer of the same rows instead. The source is made of names like
`v12` alone: response keys, values and functions are handed to it as constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from graphql import GraphQLNonNull

from crmkit.engine import builder as b
from crmkit.engine.conversions import answered, bail, sealed
from crmkit.engine.generated_rows import Page, Row, Unpacked
from crmkit.engine.late import told
from crmkit.engine.source import Source
from crmkit.engine.steps import Always, Cell, Present, itself

if TYPE_CHECKING:
    from crmkit.engine.late import Request
    from crmkit.engine.plan import Plan
    from crmkit.engine.steps import Batched, Read

Build = Callable[[b.Answers], dict[str, Any]]
Expression = tuple[str, bool]
"""Source, and whether its value can be null."""


class Unsupported(Exception):
    """Something in this plan that only the exact builder makes."""


def generated(plan: Plan) -> Build | None:
    """The builder of a plan whose statements are compiled, if it can have one."""
    try:
        return Writer().written(plan)
    except (Unsupported, SyntaxError, RecursionError):
        return None


class Writer(Source):
    """Writes the source of one builder."""

    def __init__(self) -> None:
        super().__init__(
            {
                "none": {},
                "bail": bail,
                "over": _over,
                "each": _each,
                "those": _those,
                "__builtins__": {"len": len, "str": str},
            }
        )
        self.head: list[str] = []
        self.lines: list[str] = []
        self.groups: dict[Any, str] = {}
        self._kinds: dict[type[b.Value], Callable[[Any, Row], Expression]] = {
            b.Constant: lambda value, _: (self.constant(value.value), value.value is None),
            b.Leaf: self.leaf,
            b.Made: self.made,
            b.Obj: self.object,
            b.Found: self.found,
            b.Kinds: self.kinds,
            b.Each: self.each,
            b.Many: self.many,
            b.Those: self.those,
            b.Reached: self.reached,
            b.ConnectionPage: self.connection,
            b.Summed: self.summed,
            b.CursorOf: self.cursor,
            b.FromBatch: self.batch,
        }

    def source(self, plan: Plan) -> str:
        """The source of a function of the answers of a plan."""
        body = self.slots(plan.slots, Row("q"))
        lines = ["q = a.request", *self.head, *self.lines, f"return {body}"]
        return "def build(a):\n" + "".join(f"    {line}\n" for line in lines)

    def written(self, plan: Plan) -> Build:
        """That function."""
        code = compile(self.source(plan), "<plan>", "exec")
        exec(code, self.names)  # noqa: S102  it is made of names like v12 alone
        build: Build = self.names["build"]
        return build

    # -- names ------------------------------------------------------------------------------

    def function(self, row: Row, lines: Sequence[str], *more: str) -> str:
        """A function of a row; the last line is what it returns."""
        name = self.name("f")
        self.lines.append(f"def {name}({', '.join([row.name, *more])}):")
        if isinstance(row, Unpacked) and row.used:
            self.lines.append(f"    {row.pattern()} = {row.name}")
        self.lines += [f"    {line}" for line in lines[:-1]]
        self.lines.append(f"    return {lines[-1]}")
        return name

    def rows_of(self, step: Any) -> str:
        """The rows of a step by their parents."""
        if step not in self.groups:
            self.groups[step] = self.name("g")
            place = self.constant(step)
            self.head.append(f"{self.groups[step]} = a.rows.get({place}, none)")
        return self.groups[step]

    def unpacked(self, step: Any) -> Unpacked:
        if step.template is None:
            raise Unsupported
        return Unpacked(self.name("v"), step, len(step.template.types))

    # -- values -----------------------------------------------------------------------------

    def value(self, value: b.Value, row: Row) -> Expression:
        write = self._kinds.get(type(value))
        if write is None:
            raise Unsupported
        return write(value, row)

    def slots(self, slots: Sequence[b.Slot], row: Row) -> str:
        return f"{{{', '.join(self.slot(each, row) for each in slots)}}}"

    def slot(self, slot: b.Slot, row: Row) -> str:
        required = isinstance(slot.kind, GraphQLNonNull)
        value = slot.value
        if required and isinstance(value, b.Obj) and isinstance(value.read, Present):
            # It stands in many rows, and a test costs less there than a call.
            source = self.present(value.read, value.slots, row, "bail()")
            return f"{self.constant(slot.key)}: {source}"
        source, nullable = self.value(value, row)
        if nullable and required:
            source = self.needed(source)
        return f"{self.constant(slot.key)}: {source}"

    def needed(self, source: str) -> str:
        """What must not be null, tested without a call."""
        value = self.name("n")
        return f"(bail() if ({value} := {source}) is None else {value})"

    def key(self, read: Read, row: Row) -> str:
        """What rows are found by: text as the driver hands it out."""
        if isinstance(read, Cell):
            return row.cell(read.place)
        return self.called(read, row)

    def called(self, read: Read, row: Row) -> str:
        if isinstance(read, Always):
            return self.constant(read.value)
        if isinstance(row, Page):
            raise Unsupported
        if isinstance(row, Unpacked):
            row.whole = True
        return row.name if read is itself else f"{self.constant(read)}({row.name})"

    def leaf(self, leaf: b.Leaf, row: Row) -> Expression:
        write = partial(b.serialized, leaf.kind)
        required = isinstance(leaf.kind, GraphQLNonNull)
        if isinstance(leaf.read, Always):
            return self.constant(write(leaf.read.value)), not required
        if isinstance(row, Page) and leaf.read in row.parts:
            part = row.parts[leaf.read]
            whole = leaf.read is b.MORE
            return (part if whole else f"{self.constant(write)}({part})"), not required
        if isinstance(leaf.read, Cell) and row.step is not None:
            return self.column(leaf, leaf.read, row)
        if row.step is not None:
            raise Unsupported  # It would see the column as the driver hands it out.
        return f"{self.constant(write)}({self.called(leaf.read, row)})", not required

    def column(self, leaf: b.Leaf, cell: Cell, row: Row) -> Expression:
        assert row.step is not None  # noqa: S101  the caller has looked
        if row.step.template is None:
            raise Unsupported
        convert = answered(leaf.kind, row.step.template, cell.place)
        source = found = row.cell(cell.place)
        if convert is not None:
            source = f"str({found})" if convert is str else f"{self.constant(convert)}({found})"
        if cell.required:
            return source, False
        if isinstance(leaf.kind, GraphQLNonNull):
            return f"(bail() if {found} is None else {source})", False
        return (found if convert is None else f"(None if {found} is None else {source})"), True

    def object(self, value: b.Obj, row: Row) -> Expression:
        if isinstance(value.read, Present):
            return self.present(value.read, value.slots, row, "None"), True
        if value.read is itself and row.step is not None:
            return self.slots(value.slots, row), False
        if row.step is not None:
            raise Unsupported
        own = Row(self.name("p"))
        lines = [f"if {own.name} is None: return None", self.slots(value.slots, own)]
        return f"{self.function(own, lines)}({self.called(value.read, row)})", True

    def present(self, read: Present, slots: Sequence[b.Slot], row: Row, otherwise: str) -> str:
        """A record that is joined beside, or something else where there is none."""
        return f"({otherwise} if {row.cell(read.cell.place)} is None else {self.slots(slots, row)})"

    def item(self, value: b.Value, step: Any) -> str:
        """A function of a row of this step."""
        row = self.unpacked(step)
        return self.function(row, [self.value(value, row)[0]])

    def listed(self, value: b.Value, step: Any, rows: str) -> str:
        """A list of what is made of each of these rows, as a comprehension."""
        if step.template is None:  # Nothing was asked for, so the step is no part of the plan.
            return "[]"
        row = self.unpacked(step)
        source, nullable = self.value(value, row)
        source = self.needed(source) if nullable else source
        loop = f"for {row.pattern()} in {rows}"
        if row.whole:
            loop = f"for {row.name} in {rows} for {row.pattern()} in ({row.name},)"
        return f"[{source} {loop}]"

    def found(self, value: b.Found, row: Row) -> Expression:
        make = self.item(value.item, value.step)
        rows = self.name("n")
        given = f"{self.rows_of(value.step)}.get({self.key(value.key, row)})"
        return f"({make}({rows}[0]) if ({rows} := {given}) else None)", True

    def kinds(self, value: b.Kinds, row: Row) -> Expression:
        own = Row(self.name("r"), row.step)
        kind = self.name("t")
        lines = [f"{kind} = {self.called(value.kind, own)}"]
        for prefix, found in value.found.items():
            source = self.found(found, own)[0]
            lines.append(f"if {kind} == {self.constant(prefix)}: return {source}")
        return f"{self.function(own, [*lines, 'None'])}({self.called(itself, row)})", True

    def each(self, value: b.Each, row: Row) -> Expression:
        if isinstance(row, Page) and value.parts is b.ROWS:
            if not value.required:
                raise Unsupported
            return self.listed(value.item, row.step, row.parts[b.ROWS]), False
        if row.step is not None:
            raise Unsupported
        own = Row(self.name("p"))
        make = self.function(own, [self.value(value.item, own)[0]])
        return f"each({self.called(value.parts, row)}, {make}, {value.required})", True

    def many(self, value: b.Many, row: Row) -> Expression:
        rows = f"{self.rows_of(value.step)}.get({self.key(value.key, row)}, ())"
        return self.listed(value.item, value.step, rows), False

    def those(self, value: b.Those, row: Row) -> Expression:
        rows = f"those({self.rows_of(value.step)}, {self.called(value.keys, row)})"
        return self.listed(value.item, value.step, rows), False

    def reached(self, value: b.Reached, row: Row) -> Expression:
        rows = f"{self.rows_of(value.step)}.get({self.key(value.key, row)}, ())"
        return self.listed(
            value.item, value.step, self.there([value.item], value.step, rows)
        ), False

    def there(self, kinds: Sequence[b.Kinds], step: Any, rows: str) -> str:
        """Those of these rows whose records have been found."""
        found = Row(self.name("r"), step)
        tests = [self.has(each, step) for each in kinds]
        condition = " and ".join(f"{each}({found.name})" for each in tests)
        return f"[{found.name} for {found.name} in {rows} if {condition}]" if tests else rows

    def has(self, kinds: b.Kinds, step: Any) -> str:
        """A function that says whether the record of a row has been found."""
        own = Row(self.name("r"), step)
        kind = self.name("t")
        lines = [f"{kind} = {self.called(kinds.kind, own)}"]
        for prefix, found in kinds.found.items():
            rows = f"{self.rows_of(found.step)}.get({self.key(found.key, own)}, ())"
            lines.append(f"if {kind} == {self.constant(prefix)}: return len({rows}) > 0")
        return self.function(own, [*lines, "None"])

    def connection(self, value: b.ConnectionPage, row: Row) -> Expression:
        page = Page(self.name("c"), value.step)
        rows, more, total = page.parts.values()
        lines = [f"{more} = len({rows}) > {int(value.page.size)}"]
        lines.append(f"if {more}: {rows} = {rows}[:{int(value.page.size)}]")
        slots = self.slots(value.slots, page)
        if value.kinds:
            lines.append(f"{rows} = {self.there(value.kinds, value.step, rows)}")
        if value.page.backwards:
            lines.append(f"{rows} = {rows}[::-1]")
        lines.append(slots)
        page.name = rows
        make = self.function(page, lines, total)
        given = f"{self.rows_of(value.step)}.get({self.key(value.key, row)}, ())"
        return f"{make}({given}, {self.total(value, row)})", False

    def total(self, value: b.ConnectionPage, row: Row) -> str:
        if isinstance(value.total, Cell):
            return self.read(value.total, row)
        if value.total is not None:
            return self.called(value.total, row)
        return f"a.counts.get({self.constant(value.step)})"

    def summed(self, value: b.Summed, row: Row) -> Expression:
        said = self.name("s")
        self.head.append(f"{said} = {self.constant(value.said)}(a)")
        own = Row(self.name("p"))
        make = self.function(own, [self.slots(value.slots, own)])
        return f"{make}({said})", False

    def cursor(self, value: b.CursorOf, row: Row) -> Expression:
        if value.row is itself:
            return self._sealed(value, row), False
        if not isinstance(row, Page):
            raise Unsupported
        if row.step is None or row.step.template is None:
            return "None", True
        own = self.unpacked(row.step)
        make = self.function(own, [self._sealed(value, own)])
        rows, index = row.parts[b.ROWS], 0 if value.row is b.FIRST else -1
        return f"({make}({rows}[{index}]) if {rows} else None)", True

    def _sealed(self, value: b.CursorOf, row: Row) -> str:
        if row.step is None or row.step.template is None:
            raise Unsupported
        parts = []
        for place in value.places:
            convert = sealed(row.step.template, place)
            found = row.cell(place)
            parts.append(found if convert is None else f"{self.constant(convert)}({found})")
        return f"{self.constant(value.cursors.sealer(value.keys))}([{', '.join(parts)}])"

    def batch(self, value: b.FromBatch, row: Row) -> Expression:
        said = self.name("b")
        self.head.append(f"{said} = {self.constant(partial(_said, value.batch))}(a)")
        own = Row(self.name("p"))
        make = self.function(own, [self.value(value.value, own)[0]])
        return f"over({said}.get({self.key(value.batch.key, row)}), {make})", True

    def made(self, value: b.Made, row: Row) -> Expression:
        function = self.constant(value.function)
        if value.arguments:
            bind = self.constant(partial(_bound, value))
            function = self.name("h")
            self.head.append(f"{function} = {bind}(q)")
        given = ", ".join(self.read(each, row) for each in value.reads)
        own = Row(self.name("p"))
        source, nullable = self.value(value.value, own)
        return f"{self.function(own, [source])}({function}({given}))", nullable

    def read(self, read: Read, row: Row) -> str:
        """A column as its type says, for what Python makes of it."""
        if not isinstance(read, Cell) or row.step is None or row.step.template is None:
            raise Unsupported
        process = dict(row.step.template.processors).get(read.place)
        found = row.cell(read.place)
        return found if process is None else f"{self.constant(process)}({found})"


# -- what generated source calls ------------------------------------------------------------


def _over(value: Any, make: Callable[[Any], Any]) -> Any:
    return None if value is None else make(value)


def _those(groups: Mapping[Any, Sequence[Any]], keys: Sequence[Any]) -> list[Any]:
    found = (groups.get(each) for each in keys)
    return [each[0] for each in found if each]


def _each(parts: Any, make: Callable[[Any], Any], required: bool) -> Any:
    if parts is None:
        return None
    made = [make(each) for each in parts]
    return bail() if required and None in made else made


class _Failed:
    """What a failed function said; it matters only to who asks."""

    def get(self, _: str) -> Any:
        bail()


def _said(batch: Batched, answers: b.Answers) -> Any:
    found = answers.batches.get(batch, {})
    if isinstance(found, Exception):
        return _Failed()
    failed = batch.each and any(isinstance(each, Exception) for each in found.values())
    return _Failed() if failed else found


def _bound(value: b.Made, request: Request) -> Callable[..., Any]:
    return partial(value.function, **told(dict(value.arguments), request))

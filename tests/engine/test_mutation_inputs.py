from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
import strawberry
from graphql import GraphQLSchema, print_type
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument

from crmkit.engine.fields import JSON, BigInt, Ref, Secret
from crmkit.engine.made_types import made_type
from crmkit.engine.mutation_inputs import UNSET, Types, Unset, made_field
from crmkit.engine.mutation_shapes import Reading
from crmkit.engine.nodes import Node, enum
from crmkit.engine.scalars import SCALARS
from crmkit.engine.written_records import Odd, dumper, reader
from crmkit.stages.types import Stage, StageTransition
from crmkit.values.errors import Invalid, SetupError
from crmkit.values.ids import new_id
from crmkit.values.money import Money

if TYPE_CHECKING:
    from crmkit.access.types import Team

NODES: dict[str, type] = {"Stage": Stage, "StageTransition": StageTransition}
PATH = ("input",)


@enum
class Size(Enum):
    """How large it is."""

    SMALL = "small"
    """Fits into a bag."""
    LARGE = "large"
    """Needs a van."""


@dataclass(frozen=True)
class Part:
    """A part of a parcel."""

    label: str
    """What stands on it."""
    weight: int = 1
    """In grams."""

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise Invalid("Nothing weighs less than nothing.", field="weight")


@dataclass(frozen=True)
class SendParcel:
    """A parcel on its way."""

    stage_id: Ref[Stage]
    """Where it is."""
    price: Money
    """What it costs."""
    sent_at: datetime
    """When it left."""
    parts: Sequence[Part] = ()
    """What is in it."""
    size: Size = Size.SMALL
    """How large it is."""
    cause_id: Ref[Node] | None = None
    """What led to it."""
    note: str | Unset = UNSET
    """What the courier should know."""
    due: date = date(2026, 1, 31)
    """When it should arrive."""
    properties: dict[str, Any] | None = None
    """Whatever else there is to say."""


@dataclass(frozen=True)
class SentParcel:
    """A parcel that has left."""

    stage: Stage
    """Where it is."""
    price: Money | None
    """What it costs."""
    sent_at: datetime
    """When it left."""
    days: Sequence[date]
    """When it travels."""
    weight: BigInt
    """In grams."""
    rate: Decimal
    """Per gram."""
    size: Size
    """How large it is."""
    cause: Node | None
    """What led to it."""
    properties: JSON
    """Whatever else there is to say."""


@dataclass(frozen=True)
class AssignTeam:
    """Who takes over."""

    team_id: Ref[Team]
    """The team."""


def given(**more: Any) -> dict[str, Any]:
    return {
        "stageId": new_id("stage"),
        "price": {"amount": Decimal("4.20"), "currency": "EUR"},
        "sentAt": datetime(2026, 1, 31, 9, tzinfo=UTC),
        **more,
    }


def faults(**more: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong with an input, which the written reader leaves to its shape."""
    reading, shape = Reading(), Types(NODES).input(SendParcel)
    assert shape.read(given(**more), PATH, reading) is None
    with pytest.raises(Odd):
        reader(shape)(given(**more), {})
    return [(each.field, each.message) for each in reading.problems]


def printed(taken: Any, *names: str) -> str:
    query = made_type("Query", [field := made_field("q", "q", int, "A number.")], "All.")
    field.arguments = [StrawberryArgument("i", "i", StrawberryAnnotation(taken))]
    schema = strawberry.Schema(query, config=StrawberryConfig(scalar_map=SCALARS))
    core: GraphQLSchema = schema._schema
    return "\n".join(print_type(core.type_map[name]) for name in names)


def test_an_input_says_what_may_be_left_out_and_what_that_means() -> None:
    text = printed(Types(NODES).input(SendParcel).kind, "SendParcelInput", "PartInput")
    shown = [line.strip() for line in text.splitlines() if ": " in line and '"""' not in line]
    assert shown == [
        "stageId: ID!",
        "price: MoneyInput!",
        "sentAt: DateTime!",
        "parts: [PartInput!]! = []",
        "size: Size! = SMALL",
        "causeId: ID",
        "note: String",
        "due: Date",
        "properties: JSON",
        "label: String!",
        "weight: Int! = 1",
    ]
    assert '"""What the courier should know."""' in text
    assert '"""A part of a parcel."""' in text


def test_a_reader_fills_the_class_of_the_author() -> None:
    reading = Reading()
    value = given(parts=[{"label": "books", "weight": 2}], size=Size.LARGE)
    read = Types(NODES).input(SendParcel).read(value, PATH, reading)
    assert read == SendParcel(
        stage_id=value["stageId"],
        price=Money(420, "EUR"),
        sent_at=datetime(2026, 1, 31, 9, tzinfo=UTC),
        parts=(Part("books", 2),),
        size=Size.LARGE,
    )
    assert read.note is UNSET
    assert [(each.path, each.id) for each in reading.ids] == [
        (("input", "stageId"), value["stageId"])
    ]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"parts": [], "causeId": None, "properties": None},
        {"parts": [{"label": "Bücher"}, {"label": "", "weight": 3}], "size": Size.LARGE},
        {"causeId": new_id("stage_transition"), "note": "Grüße", "due": date(2026, 2, 1)},
        {"properties": {"a": [1, {"b": None}]}},
    ],
)
def test_a_written_reader_reads_as_its_shape_does(more: dict[str, Any]) -> None:
    shape, reading, named = Types(NODES).input(SendParcel), Reading(), dict[str, Any]()
    value = given(**more)
    assert reader(shape)(value, named) == shape.read(value, PATH, reading)
    assert list(named.values()) == [each.spec for each in reading.ids]


def test_a_class_with_a_constructor_of_its_own_is_made_by_that() -> None:
    @dataclass(frozen=True, init=False)
    class Shouted:
        """A word."""

        word: str
        """It."""

        def __init__(self, word: str) -> None:
            object.__setattr__(self, "word", word.upper())

    assert reader(Types(NODES).input(Shouted))({"word": "stop"}, {}).word == "STOP"


def test_all_faults_of_an_input_are_found_at_once() -> None:
    assert faults(
        stageId=new_id("customer"),
        price={"amount": Decimal("0.001"), "currency": "EUR"},
        parts=[{"label": "a"}, {"label": "b\0", "weight": 2}, {"label": "c", "weight": -1}],
        note=None,
        due=None,
        properties=["a"],
    ) == [
        (("input", "stageId"), "This is the id of a customer; the id of a stage is asked for."),
        (("input", "price", "amount"), "EUR has 2 decimal places, not more."),
        (("input", "parts", 1, "label"), "A text cannot hold the character NUL."),
        (("input", "parts", 2, "weight"), "Nothing weighs less than nothing."),
        (("input", "note"), "This may be left out, but not be null."),
        (("input", "due"), "This may be left out, but not be null."),
        (("input", "properties"), "This is an object with keys and values."),
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": "\0"}, "A text cannot hold the character NUL."),
        ({"a": ["\ud800"]}, "A text cannot hold half of a surrogate pair."),
        ({"a": 2**63}, "A number here has at most 64 bits."),
        ({"a": float("nan")}, "A number here is finite."),
    ],
)
def test_free_properties_hold_what_both_databases_can_hold(value: Any, message: str) -> None:
    assert faults(properties=value) == [(("input", "properties"), message)]


def test_free_properties_are_not_endlessly_deep() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"in": deep}
    assert faults(properties=deep)[0][1] == "Free properties are nested at most 100 levels deep."


@pytest.mark.parametrize("id", ["", "stage", "stage_1", "\0", "stage_01h455vb4pex5vsknk084sn02q\n"])
def test_what_is_no_id_is_told_which_one_is_asked_for(id: str) -> None:
    assert faults(stageId=id) == [
        (("input", "stageId"), "This is no id; the id of a stage is asked for.")
    ]


def test_an_id_of_any_kind_names_a_kind_that_is_there() -> None:
    assert faults(causeId=new_id("planet")) == [
        (("input", "causeId"), "This is the id of a planet; there are no records of that kind.")
    ]


def test_a_payload_is_stored_and_rebuilt_without_loss() -> None:
    shape = Types(NODES).payload(SentParcel)
    stage, cause = object.__new__(Stage), object.__new__(StageTransition)
    stage.id, cause.id = strawberry.ID("stage_1"), strawberry.ID("stage_transition_1")
    sent = SentParcel(
        stage=stage,
        price=Money(420, "EUR"),
        sent_at=datetime(2026, 1, 31, 9, tzinfo=UTC),
        days=[date(2026, 1, 31)],
        weight=2**40,
        rate=Decimal("0.10"),
        size=Size.LARGE,
        cause=cause,
        properties=JSON({"a": [1]}),
    )
    dump = dumper(shape)
    loaded = shape.load(stored := dump(sent))
    assert dump(loaded) == stored
    assert (type(loaded.stage), loaded.stage.id, loaded.cause.id) == (
        Stage,
        "stage_1",
        "stage_transition_1",
    )
    assert (loaded.price, loaded.sent_at, loaded.rate) == (sent.price, sent.sent_at, sent.rate)
    assert (loaded.days, loaded.size, loaded.properties) == (sent.days, Size.LARGE, {"a": [1]})


# -- declarations that cannot become types ----------------------------------------------------


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class WithoutText:
    name: str
    """A name."""


@dataclass(frozen=True)
class WithoutDescription:
    """Something."""

    name: str


@dataclass
class Changing:
    """Something."""

    name: str
    """A name."""


@dataclass(frozen=True)
class WithNode:
    """Something."""

    stage: Stage
    """A stage."""


@dataclass(frozen=True)
class WithUnion:
    """Something."""

    value: int | str
    """A value."""


@dataclass(frozen=True)
class WithObject:
    """Something."""

    value: object
    """A value."""


@dataclass(frozen=True)
class WithPlainEnum:
    """Something."""

    colour: Colour
    """A colour."""


@dataclass(frozen=True)
class WithoutNode:
    """Something."""

    part_id: Ref[Part]
    """A part."""


@dataclass(frozen=True)
class Endless:
    """Something."""

    inner: Sequence[Endless]
    """More of it."""


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        (WithoutText, "WithoutText has no description; write a docstring."),
        (
            WithoutDescription,
            "WithoutDescription.name has no description; write a string under the attribute.",
        ),
        (Changing, "Changing must not change; write @dataclass(frozen=True) above it."),
        (WithNode, "WithNode.stage is a node, which no input can hold; say sdk.Ref[Stage]."),
        (WithUnion, "which GraphQL has no type for; say one type, or null."),
        (
            WithObject,
            "WithObject.value is <class 'object'>, which GraphQL has no type for; use a scalar",
        ),
        (WithPlainEnum, "Colour; write @sdk.enum above that."),
        (WithoutNode, "which is no node; decorate it with @sdk.node."),
        (
            Endless,
            "Endless holds itself, or is an input and a payload at once; make it two classes.",
        ),
        (
            AssignTeam,
            "name 'Team' is not defined; import it outside TYPE_CHECKING, or load the plugin",
        ),
    ],
)
def test_a_declaration_that_cannot_be_a_type_names_its_cure(cls: type, sentence: str) -> None:
    with pytest.raises(SetupError) as caught:
        Types(NODES).input(cls)
    assert sentence in str(caught.value)


def test_two_classes_of_one_name_are_both_named() -> None:
    types = Types(NODES)
    types.input(Part)
    other = dataclass(frozen=True)(
        type("Part", (), {"__doc__": "Another.", "__module__": "elsewhere"})
    )
    with pytest.raises(
        SetupError, match=r"test_mutation_inputs\.Part and elsewhere\.Part both make"
    ):
        types.input(other)


def test_a_secret_in_a_payload_is_nullable_and_kept_nowhere() -> None:
    @dataclass(frozen=True)
    class Told:
        """What is told once."""

        word: Secret | None
        """The word."""

    @dataclass(frozen=True)
    class Kept:
        """What a repeat could not be told."""

        word: Secret
        """The word."""

    shape = Types(NODES).payload(Told)
    assert dumper(shape)(Told("sesame")) == {"word": None}
    assert shape.load({"word": None}) == Told(None)
    with pytest.raises(SetupError, match=r"Kept\.word is a secret, which no repeat is told"):
        Types(NODES).payload(Kept)

"""Types and fields of one schema that no class of an author declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from strawberry.types.base import StrawberryObjectDefinition, StrawberryType
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

if TYPE_CHECKING:
    from collections.abc import Sequence


class MadeField(StrawberryField):
    """A field whose type need not be worked out where its maker has said it in full."""

    def resolve_type(self, *, type_definition: StrawberryObjectDefinition | None = None) -> Any:
        said = self.type_annotation.raw_annotation if self.type_annotation else None
        if isinstance(said, StrawberryType | LazyType):
            return said
        return super().resolve_type(type_definition=type_definition)


class _Made(StrawberryObjectDefinition):
    def __post_init__(self) -> None:
        """No field of a made type says `Self`, for which each would be looked through."""


def made_type(
    name: str, fields: Sequence[StrawberryField], description: str, *, is_input: bool = False
) -> type:
    """A type of these fields.

    Strawberry's own `create_type` makes a dataclass of each, which takes most of its time, and
    nobody makes an object of these types: rows and coerced inputs stand for them.
    """
    made = type(name, (), {})
    cast("Any", made).__strawberry_definition__ = _Made(
        name=name,
        is_input=is_input,
        is_interface=False,
        origin=made,
        description=description,
        interfaces=[],
        extend=False,
        directives=(),
        is_type_of=None,
        resolve_type=None,
        fields=list(fields),
    )
    return made

"""Types of one schema that no class of an author declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from strawberry.types.base import StrawberryObjectDefinition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strawberry.types.field import StrawberryField


def made_type(
    name: str, fields: Sequence[StrawberryField], description: str, *, is_input: bool = False
) -> type:
    """A type of these fields.

    Strawberry's own `create_type` makes a dataclass of each, which takes most of its time, and
    nobody makes an object of these types: rows and coerced inputs stand for them.
    """
    made = type(name, (), {})
    cast("Any", made).__strawberry_definition__ = StrawberryObjectDefinition(
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

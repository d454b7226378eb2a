"""A plugin whose names are those that generated source is made of, or words of Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk


@sdk.enum
class Word(Enum):
    """Words of generated source."""

    build = "); raise SystemExit("
    """The function."""
    k1 = "' or '1'='1"
    """A constant."""
    none = "\\"
    """Nothing."""


class WordRow(sdk.Record):
    __tablename__ = "hostile_word"

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Whose it is.")
    a: Mapped[str] = sdk.column(Text, personal=False, doc="The answers.")
    q: Mapped[str | None] = sdk.column(Text, default=None, personal=False, doc="The request.")
    len: Mapped[int] = sdk.column(default=0, doc="How long.")
    build: Mapped[Word] = sdk.column(sdk.Choice(Word), default=Word.k1, doc="A word.")


def bail(a: str, *, rows: str = "", request: Word = Word.none) -> str:
    """Gives up."""
    return f"{a}{rows}{request.name}"


async def need(
    context: sdk.Context, ids: Sequence[str], *, get: str = "", f1: Word = Word.k1
) -> Mapping[str, str]:
    """What there must be."""
    return dict.fromkeys(ids, f"{get}{f1.name}")


async def over(context: sdk.Context, id: str, *, str: str = "") -> str | None:
    """What comes at last."""
    return str or None


@sdk.node(WordRow, list="hostileWords", read="hostile.word.read")
class HostileWord:
    """A word."""

    a: str
    q: str | None
    len: int
    build: Word
    customer: sdk.Customer = sdk.to_one(description="Whose it is.")
    bail: str = sdk.computed(bail, WordRow.a)
    need: str | None = sdk.batch(need)
    over: str | None = sdk.resolver(over)


class Hostile(sdk.Plugin):
    name = "hostile"
    version = "1.0"

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(HostileWord)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("hostile.word.read", "See words.")

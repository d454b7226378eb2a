"""What a table is: rows made with checked keywords, columns that say what they are."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    MappedAsDataclass,
    mapped_column,
)
from typing_extensions import dataclass_transform

from crmkit.store.column_types import Code, Json, UtcDateTime
from crmkit.store.rows import Maker
from crmkit.values import ids
from crmkit.values.errors import Invalid
from crmkit.values.text import fold, sort_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.types import TypeEngine

E = TypeVar("E", bound=Enum)
Merge = Literal["winner", "sum", "least", "greatest"]
Erasure = Literal["empty", "delete", "mention"]

LONGEST_FOLD = 2000
"""Bytes; a text that is searched is a name or a title, not a story."""

LONGEST_SORT_KEY = 600
"""Characters; what agrees so far is sorted by its id."""


# -- scopes ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """Whose rows a table holds; decides which of them an actor reaches.

    `kind` is `root` (the record that scopes are about), `through` (as the rows that
    all `keys` point to), `or_null` (the same, and rows without an owner) or `unscoped`.
    What `outlives` its owner is seen when that is deleted, by those who reach all owners.
    """

    kind: str
    keys: tuple[str, ...] = ()
    reason: str = ""
    deleted: str = ""
    owner: str = ""
    team: str = ""
    outlives: bool = False


def root_scope(*, deleted: str, owner: str = "", team: str = "") -> Scope:
    """The table that row scopes are about.

    Args:
        deleted: Its column of soft deletion.
        owner: The key of the user who looks after a record, for the scope `own`.
        team: The key of the team that does, for the scope `team`.
    """
    return Scope("root", deleted=deleted, owner=owner, team=team)


def through(key: str) -> Scope:
    """Reached with the one record that this key points to."""
    return Scope("through", (key,))


def both(first: str, second: str) -> Scope:
    """Reached only with both records that these keys point to."""
    return Scope("through", (first, second))


def or_null(key: str, *, outlives: bool = False) -> Scope:
    """Reached with the record that this key points to, or without one.

    Args:
        key: The key.
        outlives: Whether the row stays for those who reach all such records, when that
            record is deleted.
    """
    return Scope("or_null", (key,), outlives=outlives)


def unscoped(reason: str) -> Scope:
    """Reached by everyone who may read the table at all, for this reason."""
    return Scope("unscoped", reason=reason)


# -- tables ---------------------------------------------------------------------------


def column(
    type_: TypeEngine[Any] | type[TypeEngine[Any]] | ForeignKey | None = None,
    *,
    doc: str | None = None,
    personal: bool | None = None,
    secret: bool = False,
    erased: Any = None,
    filterable: bool = False,
    groupable: bool = False,
    merge: Merge = "winner",
    primary_key: bool = False,
    unique: bool = False,
    nullable: bool | None = None,
    init: bool = True,
    default: Any = MISSING,
    default_factory: Any = MISSING,
) -> Any:
    """Declares a column and everything that follows from what it is.

    Args:
        type_: A column type, or a ForeignKey (an id that is indexed by itself).
        doc: What it means, in one sentence; the field's description unless it has one.
        personal: Whether it can hold something about a person; every text says so.
        secret: Nobody is told its values, the audit neither.
        erased: What stands there when the person has been erased, where null cannot.
        filterable: Makes the index, the filter and the order. Text also gets its fold
            and its sort key beside it.
        groupable: Many rows share a value, such as a key of few: stats group by it.
        merge: What two rows make that a merge folds into one: the winner's value (or, where
            that is null, the other's), their sum, the least or the greatest of both.
        primary_key: Part of the key.
        unique: No two rows share a value.
        nullable: Follows the annotation unless given.
        init: Whether the row's constructor takes it.
        default: The value of a row that does not say.
        default_factory: Makes that value.
    """
    given: dict[str, Any] = {
        "doc": doc,
        "primary_key": primary_key,
        "unique": unique or None,
        "init": init,
    }
    if nullable is not None:
        given["nullable"] = nullable
    if default is not MISSING:
        given["default"] = default
    if default_factory is not MISSING:
        given["default_factory"] = default_factory
    parts: list[Any] = (
        [Code(), type_] if isinstance(type_, ForeignKey) else [] if type_ is None else [type_]
    )
    made = mapped_column(*parts, sort_order=-1 if primary_key else 0, **given)
    said = None if default is MISSING else default
    made.column.info.update(
        personal=personal,
        secret=secret,
        erased=erased,
        filterable=filterable,
        groupable=groupable,
        merge=merge,
        default=said,
    )
    return made


def reference(target: str, *, scoped_by: str | None = None, **given: Any) -> Any:
    """An id of another plugin's record (`"orders.Order"`), without a foreign key.

    For what a plugin only works with: the other may be absent. Merge moves it.

    Args:
        target: The node, by its plugin and its name.
        scoped_by: Its table, if the row is reached with that record.
        given: Whatever else `column` takes.
    """
    made = column(Code, **given)
    made.column.info.update(reference=target, scoped_by=scoped_by)
    return made


class Frozen(AttributeError):
    """A row was changed after it had been handed to the unit of work."""


_TYPES: dict[Any, Any] = {
    str: Text(),
    int: BigInteger(),
    bool: Boolean(),
    datetime: UtcDateTime(),
    date: Date(),
    dict: Json(),
}


@dataclass_transform(kw_only_default=True, field_specifiers=(column, reference, mapped_column))
class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    """A row: made with checked keywords, attached to nothing, frozen once it is added."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = _TYPES

    __append_only__: ClassVar[bool] = False
    __audited__: ClassVar[bool] = True
    __scope__: ClassVar[Scope | None] = None
    __erasure__: ClassVar[Erasure] = "empty"
    """What erasing a person does to rows of theirs: empties what is personal, or deletes them.

    Rows that belong to nobody but can tell of people are searched for a `mention` of them.
    """

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        if "__table__" in cls.__dict__:
            _complete(cls)
            cls.__init__ = _constructor(cls)  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__
        if "_frozen" in held:
            raise Frozen(
                f"{type(self).__name__}.{name}: this row has been added; "
                "say context.write.change(...) instead"
            )
        held[name] = value


class Record(Base):
    """A row that a client can name: an id of its own and the moment it was made."""

    __abstract__ = True

    id: Mapped[str] = column(
        Code, primary_key=True, init=False, doc="Globally unique; its prefix names the kind."
    )
    created_at: Mapped[datetime] = column(
        UtcDateTime, init=False, filterable=True, doc="When it was recorded here."
    )


class Versioned(Record):
    """A record that can change: each change counts its version up."""

    __abstract__ = True

    updated_at: Mapped[datetime] = column(
        UtcDateTime, init=False, filterable=True, doc="When it last changed."
    )
    version: Mapped[int] = column(
        Integer, init=False, doc="Counts its changes; send it back to change only what you saw."
    )


def freeze(row: Base) -> None:
    """Forbids further changes of a row whose values have been taken."""
    row.__dict__["_frozen"] = True


@cache
def maker(model: type[Base]) -> Maker:
    """What makes the rows of a model."""
    return Maker(model)


def _constructor(model: type[Base]) -> Callable[..., None]:
    """What stands in the place of the constructor that SQLAlchemy would give a model."""

    def first(row: Base, **given: Any) -> None:
        # While its class is being made, its mapper is not complete.
        prefix = model.__tablename__
        made = {"id": partial(ids.new_id, prefix)} if issubclass(model, Record) else {}
        constructor = maker(model).constructor(made)
        constructor.__qualname__ = f"{model.__qualname__}.__init__"
        model.__init__ = constructor  # type: ignore[method-assign]
        constructor(row, **given)

    return first


def table_of(model: type[Base]) -> Table:
    """The table of a model, as SQLAlchemy Core knows it."""
    return model.__table__  # type: ignore[return-value]


def companions(column_: Column[Any]) -> tuple[str, str] | None:
    """The names of a text's fold and sort key beside it, if it has them."""
    if not column_.info.get("folded"):
        return None
    return f"{column_.name}_fold", f"{column_.name}_sort"


def with_companions(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """Adds the fold and the sort key of every text among these values."""
    for name in table.info.get("folded", ()):
        if name in values:
            text = values[name]
            values[f"{name}_fold"] = None if text is None else _bounded(fold(text), name)
            values[f"{name}_sort"] = None if text is None else sort_key(text)[:LONGEST_SORT_KEY]
    return values


def _bounded(folded: str, name: str) -> str:
    """A fold that an index can hold; PostgreSQL's entries end at 2,704 bytes."""
    if len(folded.encode()) > LONGEST_FOLD:
        raise Invalid(
            f"{name} is too long: it is searched, and holds about {LONGEST_FOLD // 4} characters.",
            field=name,
        )
    return folded


def personal_columns(table: Table) -> Sequence[Column[Any]]:
    """The columns that can hold something about a person."""
    return [each for each in table.columns if each.info.get("personal")]


def _complete(cls: type[Base]) -> None:
    """Adds what follows from the declarations: companions of text, and indexes."""
    table = table_of(cls)
    folded = [
        each for each in table.columns if each.info.get("filterable") and type(each.type) is Text
    ]
    table.info["folded"] = [each.name for each in folded]
    for each in folded:
        each.info["folded"] = True
        for suffix in ("fold", "sort"):
            made = mapped_column(f"{each.name}_{suffix}", Code(), nullable=each.nullable)
            made.column.info.update(personal=each.info.get("personal"), companion_of=each.name)
            setattr(cls, f"{each.name}_{suffix}", made)
    table.info["append_only"] = cls.__append_only__
    table.info["erasure"] = cls.__erasure__
    table.info["scope"] = cls.__scope__
    table.info["model"] = cls
    _index(table)


def _index(table: Table) -> None:
    """Every foreign key and every filterable column has an index that begins with it."""
    have = {next(iter(index.columns)).name for index in table.indexes}
    have |= {each.name for each in table.columns if each.unique}
    if len(table.primary_key.columns):
        have.add(next(iter(table.primary_key.columns)).name)
    for names in _wanted(table):
        if names[0] not in have:
            Index(None, *[table.c[name] for name in names])
            have.add(names[0])


def ensure_index(table: Table, *names: str) -> None:
    """Adds an index over these columns unless there is one that begins with them."""
    have = [tuple(each.name for each in index.columns) for index in table.indexes]
    if not any(each[: len(names)] == names for each in have):
        Index(None, *[table.c[name] for name in names])


def _wanted(table: Table) -> Iterator[tuple[str, ...]]:
    key = [each.name for each in table.primary_key.columns]
    for each in table.columns:
        if each.foreign_keys or each.info.get("reference"):
            yield (each.name,)
        if each.info.get("filterable"):
            if names := companions(each):
                yield (names[0],)
                yield (names[1], *key)
            else:
                yield (each.name, *key)


@cache
def attribute(of: InstrumentedAttribute[Any]) -> tuple[Table, Column[Any]]:
    """The table and the column behind `Model.attribute`."""
    mapped = of.property.columns[0]
    return mapped.table, mapped

"""A field that a company defines: what it is, what it can hold, how it becomes another type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from keyword import iskeyword
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from crmkit.values import checks, labels
from crmkit.values.decimals import scaled
from crmkit.values.errors import Invalid
from crmkit.values.regional import is_locale
from crmkit.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.values.errors import Problem

LONGEST_KEY = 40
LONGEST_TEXT = 500

_KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAME = re.compile(r"[a-z][A-Za-z0-9]*")
_CHOICE = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
# Words of filters, of every record, of models, and of the columns beside a text.
_TAKEN = {"and", "or", "not", "id", "customer_id", "metadata", "registry"}
_ENDINGS = ("_fold", "_sort")
_INT = 2**31
_LONGEST_NUMBER = 40
_LONGEST_FOLD = 2000  # bytes; see the index of searched texts


class FieldKind(Enum):
    """What values a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"


_PYTHON: dict[FieldKind, type] = {
    FieldKind.TEXT: str,
    FieldKind.INTEGER: int,
    FieldKind.DECIMAL: Decimal,
    FieldKind.BOOLEAN: bool,
    FieldKind.DATE: date,
    FieldKind.CHOICE: str,
}


def _pairs(said: Any) -> Any:
    """One text, or a text for each locale."""
    if isinstance(said, str):
        return (("en", said),)
    if not isinstance(said, Mapping):
        return said
    for locale, text in said.items():
        if not is_locale(locale):
            raise ValueError(f"{locale!r} is no locale such as de or zh-CN")
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the label in {locale} is no text")
    return tuple(said.items())


Labels = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldChoice(_Said):
    """One of the values of a choice: a key for programs, labels for people."""

    key: str
    labels: Labels = ()

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, said: Any) -> Any:
        return {"key": said} if isinstance(said, str) else said

    @model_validator(mode="after")
    def _is_key(self) -> Self:
        if len(self.key) > LONGEST_KEY or not _CHOICE.fullmatch(self.key):
            raise ValueError(
                f"{self.key[:80]!r} is no key: small letters, digits, and one of . _ - between them"
            )
        return self


class CustomField(_Said):
    """The definition of one field, as `[fields.customer.<key>]` has it."""

    key: str
    kind: FieldKind = Field(alias="type")
    labels: Labels = Field(default=(), alias="label")
    name: str = ""
    required: bool = False
    default: Any = None
    digits: int = Field(default=2, ge=0, le=9)
    choices: tuple[FieldChoice, ...] = ()
    personal: bool = True

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        self._check_names()
        if (self.kind is FieldKind.CHOICE) != bool(self.choices):
            raise ValueError("a choice, and nothing else, has choices")
        keys = [each.key for each in self.choices]
        if len({*keys}) < len(keys):
            raise ValueError("a key stands twice among the choices")
        if "digits" in self.model_fields_set and self.kind is not FieldKind.DECIMAL:
            raise ValueError("only a decimal has digits")
        if self.default is not None:
            object.__setattr__(self, "default", self._default())
        return self

    def _check_names(self) -> None:
        if len(self.key) > LONGEST_KEY or not _KEY.fullmatch(self.key):
            raise ValueError(
                f"a field's key has small letters, digits and _, at most {LONGEST_KEY} of them"
            )
        if self.key in _TAKEN or self.key.endswith(_ENDINGS):
            raise ValueError(f"{self.key} means something else here; give the field another key")
        if self.name and (not _NAME.fullmatch(self.name) or self.name in _TAKEN):
            raise ValueError(f"{self.name!r} is no name of a field, such as xScore")

    def _default(self) -> Any:
        said = self.default
        if isinstance(said, float):
            raise ValueError('the default of a decimal is written as a text: default = "1.50"')
        if self.kind is FieldKind.DECIMAL and type(said) in (int, str):
            said = self.read(str(said))
        elif self.kind is FieldKind.DATE and isinstance(said, str):
            said = self.read(said)
        if type(said) is not self.python_type:
            raise ValueError(f"the default {self.default!r} is no {self.kind.value}")
        for fault in self.faults(said):
            raise ValueError(f"the default cannot be used: {fault.message.rstrip('.')}")
        return said

    @property
    def graphql_name(self) -> str:
        """What the field is called in the schema and in inputs."""
        first, *rest = self.key.split("_")
        return self.name or first + "".join(each.capitalize() for each in rest)

    @property
    def attribute(self) -> str:
        """What field and column are called in Python, whose own words get an underscore."""
        return attribute_of(self.key)

    @property
    def python_type(self) -> type:
        return _PYTHON[self.kind]

    @property
    def always(self) -> bool:
        """Whether every record has a value, those as well that were there before the field."""
        return self.required and self.default is not None

    @property
    def description(self) -> str:
        """What the schema says of it."""
        found = labels.label(dict(self.labels), "en")
        return f"{found or self.key.replace('_', ' ').capitalize()}; a field of this organisation."

    def label_of(self, choice: str, *locales: str | None) -> str:
        """What people call a value; one that is no choice any more keeps its key."""
        known = {each.key: dict(each.labels) for each in self.choices}
        return labels.label(known.get(choice, {}), *locales) or choice

    def faults(self, value: Any) -> Iterator[Problem]:
        """What is wrong with a value of the right Python type."""
        if (judge := _JUDGES.get(self.kind)) is not None:
            for message in judge(self, value):
                yield checks.fault(self.graphql_name, message)

    def read(self, text: str) -> Any:
        """Makes a value of its text, if that loses nothing.

        Raises:
            ValueError: The text is more than, or no, value of this kind.
        """
        value = self._parsed(text)
        for fault in self.faults(value):
            raise ValueError(fault.message)
        return value

    def _parsed(self, text: str) -> Any:
        return _PARSERS[self.kind](text) if self.kind in _PARSERS else text


def _text(field: CustomField, value: str) -> Iterator[str]:
    if len(value) > LONGEST_TEXT:
        yield f"This has at most {LONGEST_TEXT} characters."
    elif len(fold(value).encode()) > _LONGEST_FOLD:
        yield "This is too long to be searched."
    if field.required and not value.strip():
        yield "This cannot be blank."


def _integer(_: CustomField, value: int) -> Iterator[str]:
    if not -_INT <= value < _INT:
        yield "An integer here has at most 32 bits."


def _decimal(field: CustomField, value: Decimal) -> Iterator[str]:
    try:
        scaled(value, field.digits)
    except Invalid as error:
        yield error.message


def _choice(field: CustomField, value: str) -> Iterator[str]:
    keys = [each.key for each in field.choices]
    if value not in keys:
        yield f"{value[:80]!r} is no choice here; say one of {', '.join(keys[:20])}."


_JUDGES: Mapping[FieldKind, Callable[[CustomField, Any], Iterator[str]]] = {
    FieldKind.TEXT: _text,
    FieldKind.INTEGER: _integer,
    FieldKind.DECIMAL: _decimal,
    FieldKind.CHOICE: _choice,
}


def _as_decimal(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no number")
    return Decimal(text)


def _as_integer(text: str) -> int:
    number = _as_decimal(text)
    if number != number.to_integral_value():
        raise ValueError(f"{text} is no integer")
    return int(number)


def _as_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text[:80]!r} is neither true nor false")
    return text == "true"


def _as_date(text: str) -> date:
    found = date.fromisoformat(text)
    if found.isoformat() != text:
        raise ValueError(f"{text!r} is written otherwise")
    return found


_PARSERS: Mapping[FieldKind, Callable[[str], Any]] = {
    FieldKind.INTEGER: _as_integer,
    FieldKind.DECIMAL: _as_decimal,
    FieldKind.BOOLEAN: _as_boolean,
    FieldKind.DATE: _as_date,
}


def attribute_of(key: str) -> str:
    """What Python and the database call the field of this key."""
    return f"{key}_" if iskeyword(key) else key


def written(value: Any) -> str:
    """A value of whatever kind as its text, from which `read` makes it again."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else str(value)


def check_names(fields: Sequence[CustomField]) -> None:
    """Refuses two fields of one name, labels of choices included.

    Raises:
        ValueError: There are two.
    """
    seen: dict[str, str] = {}
    for each in fields:
        own = [each.graphql_name]
        own += [f"{each.graphql_name}Label"] if each.kind is FieldKind.CHOICE else []
        for name in own:
            # The values of orderBy are written in capitals, so case tells no names apart.
            other = seen.setdefault(name.lower(), each.key)
            if other != each.key:
                raise ValueError(
                    f"{other} and {each.key} are both called {name} in the schema; give one of "
                    'them another name: name = "…"'
                )

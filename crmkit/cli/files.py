"""Files of rows: whatever their encoding, read line by line, each fault with its line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO, TypeVar

from charset_normalizer import from_bytes
from pydantic import AliasChoices, BaseModel, ValidationError

from crmkit.cli.repeats import Repeats
from crmkit.host.builders import ImportedRow
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic.fields import FieldInfo

R = TypeVar("R", bound=BaseModel)

_SAMPLE = 64 * 1024
_UNDECODED = re.compile("[\udc80-\udcff]")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Line(NamedTuple):
    """One line: its cells, and the row that they make or why they make none."""

    number: int
    cells: Sequence[str]
    row: ImportedRow[Any] | None = None
    fault: str = ""


class Lines:
    """The lines of a CSV file as rows of a model; the first line names the columns."""

    def __init__(self, path: Path, model: type[BaseModel], encoding: str) -> None:
        self.encoding = encoding
        self.path = path
        self.model = model
        self.size = path.stat().st_size
        self._raw: BinaryIO | None = None
        self._alike = Repeats()

    @property
    def position(self) -> int:
        """How many bytes of the file have been read by now."""
        return 0 if self._raw is None else self._raw.tell()

    def __iter__(self) -> Iterator[Line]:
        with self.path.open("rb") as raw, _decoded(raw, self.encoding) as text:
            self._raw = raw
            split = _split(text)
            _, first, _ = next(split, (1, [], ""))
            header = self._header(first)
            for number, cells, fault in split:
                if cells or fault:
                    yield self._read(number, cells, fault, header)

    def _header(self, first: Sequence[str]) -> list[str]:
        """The names of the columns.

        Raises:
            Invalid: One that the model needs is not among them.
        """
        header = [each.strip() for each in first]
        for name, field in self.model.model_fields.items():
            names = _names(name, field)
            if field.is_required() and not names & {*header}:
                raise Invalid(f"{self.path.name} has no column {' or '.join(sorted(names))}.")
        return header

    def _read(self, number: int, cells: Sequence[str], fault: str, header: Sequence[str]) -> Line:
        if fault := fault or _fault(header, cells, self.encoding):
            return Line(number, cells, fault=fault)
        try:
            value = self.model.model_validate(dict(zip(header, cells, strict=True)))
        except ValidationError as error:
            return Line(number, cells, fault=_reason(error))
        # Its own hash, so that 12.0 and 12.00 are alike; nothing else of a line is kept.
        return Line(number, cells, ImportedRow(number, self._alike.count(hash(value)), value))


def encoding_of(path: Path) -> str:
    """Finds out how a file is encoded: by its mark, as UTF-8, or by how its text looks."""
    with path.open("rb") as file:
        head = file.read(4)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    telling = _telling_lines(path)
    if not telling:
        return "utf-8"
    if _looks_chinese(telling):
        return "gb18030"
    best = from_bytes(telling).best()
    return best.encoding if best else "utf-8"


def _telling_lines(path: Path) -> bytes:
    """Lines that hold more than ASCII; none where the whole file is UTF-8."""
    telling, strange = bytearray(), False
    with path.open("rb") as file:
        for line in file:
            if line.isascii():
                continue
            strange = strange or not _fits(line, "utf-8")
            telling += line if len(telling) < _SAMPLE else b""
            if strange and len(telling) >= _SAMPLE:
                break
    return bytes(telling) if strange else b""


def _looks_chinese(text: bytes) -> bool:
    """Whether these are the characters of everyday Chinese; Korean uses the same bytes."""
    if not _fits(text, "gb2312"):
        return False
    korean = text.decode("cp949", "ignore")
    return not all("가" <= each <= "힣" for each in korean if not each.isascii())


def _fits(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(raw: BinaryIO, encoding: str) -> TextIO:
    """Text in which undecodable bytes stand as lone surrogates, so that only their line fails."""
    return io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="")


def _split(text: TextIO) -> Iterator[tuple[int, Sequence[str], str]]:
    """Splits lines into their numbers, their cells, and why they have none."""
    head = text.readline()
    delimiter = max(",;\t", key=head.count)
    lines = csv.reader(chain([head], text), delimiter=delimiter, strict=True)
    while True:
        number = lines.line_num + 1
        try:
            yield number, next(lines), ""
        except StopIteration:
            return
        except csv.Error as error:
            yield number, [], f"It cannot be split: {error}."


def _fault(header: Sequence[str], cells: Sequence[str], encoding: str) -> str:
    text = "".join(cells)
    if "\0" in text:
        return "It holds a NUL character."
    if not text.isascii() and _UNDECODED.search(text):
        return f"It is not in {encoding}, as the rest of the file."
    if len(cells) != len(header):
        return f"It has {len(cells)} cells, and the header has {len(header)}."
    return ""


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, first['loc']))}: {message}."


def _names(name: str, field: FieldInfo) -> set[str]:
    """What a column for this field may be called."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return {each for each in alias.choices if isinstance(each, str)}
    return {alias if isinstance(alias, str) else name}

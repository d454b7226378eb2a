from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, ConfigDict

from crmkit.cli.files import Lines, encoding_of
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["张伟", "章伟", "王芳", "李娜", "刘洋", "陈静", "杨磊", "黄敏", "赵军", "周杰"]


class Person(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    points: int


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def read(path: Path) -> list[tuple[str, int]]:
    rows = [line.row for line in Lines(path, Person, encoding_of(path))]
    return [(row.value.name, row.value.points) for row in rows if row is not None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (b"", "utf-16"), (b"", "gb18030")],
)
def test_a_file_is_read_whatever_wrote_it(
    path: Path, mark: bytes, encoding: str, ending: str, delimiter: str
) -> None:
    lines = ["name,points", *[f"{name},{points}" for points, name in enumerate(NAMES)], ""]
    path.write_bytes(mark + ending.join(lines).replace(",", delimiter).encode(encoding))
    assert read(path) == [(name, points) for points, name in enumerate(NAMES)]


@pytest.mark.parametrize(
    ("names", "encoding"), [("张伟", "gb18030"), ("김민준 이서연 박지우 최하준", "cp949")]
)
def test_few_names_late_in_a_file_tell_how_it_is_encoded(
    path: Path, names: str, encoding: str
) -> None:
    lines = ["name,points", *["Anna,1"] * 20_000, *[f"{name},1" for name in names.split()], ""]
    path.write_bytes("\n".join(lines).encode(encoding))
    assert [name for name, _ in read(path)[20_000:]] == names.split()


def test_a_line_in_another_encoding_is_the_only_one_that_fails(path: Path) -> None:
    path.write_bytes("name,points\n张伟,1\n".encode() + b"\xff,2\nAnna,3\n")
    lines = [*Lines(path, Person, "utf-8")]
    assert [line.fault for line in lines] == [
        "",
        "It is not in utf-8, as the rest of the file.",
        "",
    ]


def test_a_cell_may_hold_the_delimiter_and_a_line_break(path: Path) -> None:
    path.write_text('name,points\n"Weiß, Zoë\nof Graz",7\nAnna,8\n', encoding="utf-8")
    assert read(path) == [("Weiß, Zoë\nof Graz", 7), ("Anna", 8)]
    assert [line.number for line in Lines(path, Person, "utf-8")] == [2, 4]


def test_equal_rows_are_counted_however_their_numbers_are_written(path: Path) -> None:
    path.write_text("name,points\nAnna,7\nBerta,7\nAnna, 7\nAnna,07\n", encoding="utf-8")
    rows = [line.row for line in Lines(path, Person, "utf-8")]
    assert [row.nth for row in rows if row is not None] == [1, 1, 2, 3]


@pytest.mark.parametrize("content", ["", "name\nAnna\n", "Name,Points\nAnna,7\n"])
def test_a_file_without_the_columns_of_its_kind_is_refused(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Invalid, match=r"people\.csv has no column"):
        read(path)

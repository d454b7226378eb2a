from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

WHOLE = Path(__file__).parents[2] / "crmkit/graph/schema.graphql"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    return tmp_path / "older.graphql"


def test_a_schema_that_only_grew_breaks_nobody(run: Run, older: Path) -> None:
    older.write_text('type Query { "All." node(id: ID!): Node } interface Node { id: ID! }')
    said = run("schema", "check", str(older))
    assert (said.code, said.out.splitlines()[-1]) == (
        0,
        "Whatever could be asked of older.graphql can be asked of this schema.",
    )


def test_what_breaks_clients_and_what_may_surprise_them_is_named(run: Run, older: Path) -> None:
    text = WHOLE.read_text(encoding="utf-8").replace(
        "type Customer implements Node {",
        'type Customer implements Node {\n  "Gone."\n  shoeSize: Int\n',
    )
    older.write_text(text.replace("first: Int", "first: Int = 10", 1))
    said = run("schema", "check", str(older))
    assert said.code == 1
    assert "breaks clients: Field Customer.shoeSize was removed." in said.out
    assert "may surprise clients: " in said.out


def test_a_file_that_is_no_schema_is_refused_with_a_sentence(run: Run, older: Path) -> None:
    older.write_text("type Query {")
    assert "holds no schema" in run("schema", "check", str(older)).err

"""Definitions come, change and go; what is in the database follows, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from crmkit.host import migrations
from tests.cli.texting import asked, rows, run_sql

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def define(*lines: str) -> None:
    """Writes the fields of customers into crmkit.toml: `size.type = "integer"`."""
    written = "\n".join(["[plugins]", "enabled = []", "[fields.customer]", *lines])
    Path("crmkit.toml").write_text(written, encoding="utf-8")


def create(**fields: Any) -> None:
    said = ", ".join(f"{name}: {json.dumps(value)}" for name, value in fields.items())
    answer = asked(
        f'mutation {{ createCustomer(input: {{name: "Ada", fields: {{{said}}}}}) {{ __typename }} }}'
    )
    assert "errors" not in answer, answer


def found(fields: str, order: str = "ID_ASC", where: str = "{}") -> list[dict[str, Any]]:
    answer = asked(f"{{ customers(orderBy: {order}, where: {where}) {{ nodes {{ {fields} }} }} }}")
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
    return nodes


def upgrade(run: Run) -> str:
    ended = run("db", "upgrade")
    assert ended.code == 0, ended.err
    return ended.out


def test_an_upgrade_makes_the_columns_and_their_indexes(upgraded: Run, database_url: str) -> None:
    define('vat_number.type = "text"', 'size.type = "integer"')
    out = upgrade(upgraded)
    assert "fields: add vat_number, text" in out
    assert "fields: add size, integer" in out
    assert upgrade(upgraded).strip() == "Every table is as the code wants it."
    names = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'customer_field'"
    if database_url.startswith("postgresql"):
        names = "SELECT indexname FROM pg_indexes WHERE tablename = 'customer_field'"
    assert {
        "ix_customer_field_size_customer_id",
        "ix_customer_field_vat_number_fold",
        "ix_customer_field_vat_number_sort_customer_id",
    } <= {name for (name,) in rows(database_url, names)}
    # The lineage of the core leaves them alone.
    assert upgraded("db", "revision", "-m", "nothing").out.strip() == (
        "The tables of core are what its models say."
    )


def test_a_filter_uses_the_index(upgraded: Run, database_url: str) -> None:
    define('size.type = "integer"')
    upgrade(upgraded)

    def plan(connection: Any) -> str:
        how = "QUERY PLAN"
        if connection.dialect.name == "postgresql":
            how = ""
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # The table is empty.
        asked_for = "SELECT customer_id FROM customer_field WHERE size = 1"
        return str(connection.execute(text(f"EXPLAIN {how} {asked_for}")).all())

    assert "ix_customer_field_size_customer_id" in migrations.connected(database_url, plan)


def test_a_database_that_lacks_a_field_is_not_served(upgraded: Run) -> None:
    define('size.type = "integer"')
    ended = upgraded("serve", "--port", "0")
    assert ended.code == 1
    assert ended.err.strip() == (
        "The database does not have the fields of customer as crmkit.toml defines them: "
        "make customer_field; add size, integer. Run crmkit db upgrade."
    )
    status = " ".join(upgraded("db", "status").out.split())
    assert "fields of customer" in status
    assert "add size, integer" in status
    said = " ".join(upgraded("doctor").out.split())
    assert "wrong fields: The database has other fields of customer: make customer_field" in said
    assert "cure: run crmkit db upgrade" in said
    upgrade(upgraded)
    assert upgraded("doctor").out.strip() == "Nothing is to be mended."


def test_values_wait_for_their_definition_to_return(upgraded: Run) -> None:
    define('size.type = "integer"', 'city.type = "text"')
    upgrade(upgraded)
    create(size=42, city="Köln")
    define('city.type = "text"')
    assert "fields: lay size aside, with its values" in upgrade(upgraded)
    assert "errors" in asked("{ customers { nodes { size } } }")
    create(city="Bonn")
    define('size.type = "integer"', 'city.type = "text"')
    assert "fields: take size back, with its values" in upgrade(upgraded)
    assert found("size city") == [{"size": 42, "city": "Köln"}, {"size": None, "city": "Bonn"}]
    assert found("size", where="{size: {eq: 42}}") == [{"size": 42}]


def test_no_field_at_all_keeps_the_values_too(upgraded: Run, database_url: str) -> None:
    define('size.type = "integer"')
    upgrade(upgraded)
    create(size=42)
    Path("crmkit.toml").unlink()
    upgrade(upgraded)
    assert rows(database_url, "SELECT size FROM customer_field") == [(42,)]
    assert asked("{ customers { totalCount } }") == {"data": {"customers": {"totalCount": 1}}}


# (definition before, values, definition after, the values as they are then)
LOSSLESS: list[tuple[str, list[Any], str, list[Any]]] = [
    ('type = "integer"', [10, 9], 'type = "decimal"', ["10.00", "9.00"]),
    ('type = "integer"', [10, 9], 'type = "text"', ["10", "9"]),
    ('type = "text"', ["10", "-9"], 'type = "integer"', [10, -9]),
    ('type = "text"', ["2000-02-29", "1999-12-31"], 'type = "date"', ["2000-02-29", "1999-12-31"]),
    ('type = "date"', ["2000-02-29", "1999-12-31"], 'type = "text"', ["2000-02-29", "1999-12-31"]),
    ('type = "decimal"', ["1.50", "-2.00"], 'type = "text"', ["1.50", "-2.00"]),
    ('type = "decimal"', ["2", "-3"], 'type = "integer"', [2, -3]),
    ('type = "decimal", digits = 1', ["1.5", "2"], 'type = "decimal"', ["1.50", "2.00"]),
    ('type = "decimal"', ["1.5", "2"], 'type = "decimal", digits = 1', ["1.5", "2.0"]),
    ('type = "boolean"', [True, False], 'type = "text"', ["true", "false"]),
    ('type = "text"', ["true", "false"], 'type = "boolean"', [True, False]),
    ('type = "text"', ["b", "a"], 'type = "choice", choices = ["a", "b"]', ["b", "a"]),
    ('type = "choice", choices = ["a", "b"]', ["b", "a"], 'type = "text"', ["b", "a"]),
]


def test_a_type_changes_where_nothing_is_lost(upgraded: Run) -> None:
    define(*[f"x{n} = {{{before}}}" for n, (before, *_) in enumerate(LOSSLESS)])
    upgrade(upgraded)
    create()
    for row in (0, 1):
        create(**{f"x{n}": given[row] for n, (_, given, *_) in enumerate(LOSSLESS)})
    define(*[f"x{n} = {{{after}}}" for n, (_, _, after, _) in enumerate(LOSSLESS)])
    assert upgrade(upgraded).count("fields: turn x") == len(LOSSLESS)
    names = [f"x{n}" for n in range(len(LOSSLESS))]
    empty, *kept = found(" ".join(names))
    assert empty == dict.fromkeys(names)
    for n, (*_, wanted) in enumerate(LOSSLESS):
        assert [each[f"x{n}"] for each in kept] == wanted
    # What was written anew is filtered and sorted like what customers brought themselves.
    same = ", ".join(f"x{n}: {{eq: {json.dumps(w[1])}}}" for n, (*_, w) in enumerate(LOSSLESS))
    assert found(" ".join(names), where=f"{{{same}}}") == [kept[1]]
    for n, (*_, wanted) in enumerate(LOSSLESS[:3]):
        rising = [wanted[1], wanted[0], None] if n != 1 else ["10", "9", None]
        assert [each[f"x{n}"] for each in found(f"x{n}", order=f"X{n}_ASC")] == rising


# (definition before, values, definition after, how many would be lost, what it cannot become)
LOSSY: list[tuple[str, list[Any], str, str, str]] = [
    ('type = "text"', ["10", "ten", "007"], 'type = "integer"', "2 of 3", "integer"),
    ('type = "text"', ["1e3", "1.005"], 'type = "decimal"', "2 of 2", "decimal with 2 digits"),
    ('type = "text"', ["9999999999"], 'type = "integer"', "1 of 1", "integer"),
    ('type = "decimal"', ["1.5", "2"], 'type = "integer"', "1 of 2", "integer"),
    (
        'type = "decimal", digits = 3',
        ["0.125"],
        'type = "decimal"',
        "1 of 1",
        "decimal with 2 digits",
    ),
    ('type = "integer"', [1], 'type = "boolean"', "1 of 1", "boolean"),
    ('type = "text"', ["a", "c"], 'type = "choice", choices = ["a"]', "1 of 2", "choice"),
    ('type = "text"', ["20000229", "2000-02-30"], 'type = "date"', "2 of 2", "date"),
]


def test_changes_that_lose_values_are_refused_with_their_number(upgraded: Run) -> None:
    before = [f"x{n} = {{{before}}}" for n, (before, *_) in enumerate(LOSSY)]
    define(*before)
    upgrade(upgraded)
    for row in range(3):
        said = {f"x{n}": given[row] for n, (_, given, *_) in enumerate(LOSSY) if row < len(given)}
        create(**said)
    names = " ".join(f"x{n}" for n in range(len(LOSSY)))
    kept = found(names)
    define(*[f"x{n} = {{{after}}}" for n, (_, _, after, *_) in enumerate(LOSSY)], 'y.type = "date"')
    ended = upgraded("db", "upgrade")
    assert ended.code == 1
    told = " ".join(upgraded("doctor").out.split())
    for n, (*_, count, kind) in enumerate(LOSSY):
        assert f"x{n} cannot become {kind}: {count} values would be lost." in ended.err
        assert f"x{n} cannot become {kind}: {count} values would be lost." in told
    assert "Change them first, or leave it text, or give the new field a key" in ended.err
    # All or nothing: not even what stood beside it has been done.
    define(*before)
    assert upgrade(upgraded).strip() == "Every table is as the code wants it."
    assert found(names) == kept


def test_a_choice_that_is_gone_stays_readable(upgraded: Run) -> None:
    define('x = {type = "choice", choices = [{key = "a", labels = "First"}, "b"]}')
    upgrade(upgraded)
    create(x="a")
    define('x = {type = "choice", choices = ["b"]}')
    assert upgrade(upgraded).strip() == "Every table is as the code wants it."
    assert found("x xLabel") == [{"x": "a", "xLabel": "a"}]
    answer = asked(
        'mutation { createCustomer(input: {name: "B", fields: {x: "a"}}) { __typename } }'
    )
    assert "is no choice here" in str(answer["errors"])


def test_what_every_customer_has_is_filled_in(upgraded: Run) -> None:
    """Also of those who were there before, and of those who came while it was gone."""
    define('size.type = "integer"')
    upgrade(upgraded)
    create(size=1)
    create()
    tier = 'tier = {type = "text", required = true, default = "Basic"}'
    define('size.type = "integer"', tier)
    assert "fields: fill tier where it is empty" in upgrade(upgraded)
    assert found("size tier") == [{"size": 1, "tier": "Basic"}, {"size": None, "tier": "Basic"}]
    define('size.type = "integer"')
    upgrade(upgraded)
    create(size=3)
    define('size.type = "integer"', tier)
    upgrade(upgraded)
    assert [each["tier"] for each in found("tier")] == ["Basic"] * 3
    assert len(found("tier", where='{tier: {startsWith: "bas"}}', order="TIER_ASC")) == 3
    define('size.type = "integer"', 'tier = {type = "text", default = "Basic"}')
    assert "fields: let tier be empty" in upgrade(upgraded)


def test_customers_of_before_the_first_field_have_it_too(upgraded: Run) -> None:
    asked('mutation { createCustomer(input: {name: "Ada"}) { __typename } }')
    define('tier = {type = "text", required = true, default = "Basic"}')
    upgrade(upgraded)
    assert found("tier", where='{tier: {eq: "basic"}}') == [{"tier": "Basic"}]


WRONG = [
    ('x.type = "number"', "fields.customer.x.type in crmkit.toml cannot be used"),
    ('x = {type = "text", size = 3}', "fields.customer.x.size in crmkit.toml cannot be used"),
    ('x = {type = "choice"}', "a choice, and nothing else, has choices"),
    ('x = {type = "text", choices = ["a"]}', "a choice, and nothing else, has choices"),
    ('x = {type = "choice", choices = ["a", "a"]}', "a key stands twice among the choices"),
    ('x = {type = "choice", choices = ["Not A Key"]}', "'Not A Key' is no key"),
    ('x = {type = "text", digits = 2}', "only a decimal has digits"),
    ('x = {type = "decimal", default = 0.1}', "the default of a decimal is written as a text"),
    ('x = {type = "decimal", default = "0.001"}', "at most 2 digits after its point"),
    ('x = {type = "integer", default = "1"}', "the default '1' is no integer"),
    ('x = {type = "choice", choices = ["a"], default = "b"}', "'b' is no choice here"),
    ('x = {type = "text", label = {klingonisch = "x"}}', "is no locale such as de or zh-CN"),
    ('x = {type = "text", name = "not"}', "'not' is no name of a field"),
    ('and.type = "text"', "and means something else here"),
    ('x_fold.type = "text"', "x_fold means something else here"),
    ('Upper.type = "text"', "a field's key has small letters, digits and _"),
    ('given_name.type = "text"', "Customer.givenName is declared by the core and under"),
]


def test_a_definition_that_cannot_be_is_said_to_be_so(run: Run) -> None:
    for line, sentence in WRONG:
        define(line)
        ended = run("schema", "print")
        assert ended.code == 1, line
        assert sentence in ended.err, line


def test_a_failed_upgrade_of_fields_leaves_nothing_half_done(
    upgraded: Run, database_url: str
) -> None:
    define('size.type = "integer"')
    upgrade(upgraded)
    run_sql(database_url, "ALTER TABLE customer_field ADD COLUMN city TEXT")
    define('age.type = "integer"', 'city.type = "text"')
    with pytest.raises(Exception, match="city"):
        upgraded("db", "upgrade")
    columns = {name for (name, *_) in rows(database_url, "SELECT * FROM customer_field LIMIT 0")}
    assert columns == set()
    status = " ".join(upgraded("db", "status").out.split())
    assert "add age, integer" in status

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crmkit.store.column_types import instant
from crmkit.store.database import (
    Frozen,
    attribute,
    companions,
    freeze,
    personal_columns,
    table_of,
    with_companions,
)
from crmkit.values.ids import prefix_of
from tests.store.tables import Balance, Everything, Person, Purchase


def test_a_row_is_made_with_its_id_and_its_defaults() -> None:
    person = Person(name="Anna")
    assert prefix_of(person.id) == "person"
    assert (person.visits, person.email) == (0, None)
    assert Everything().free is None


def test_a_row_takes_only_what_its_table_has() -> None:
    with pytest.raises(TypeError, match="nme"):
        Person(nme="Anna")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="name"):
        Person()  # type: ignore[call-arg]


def test_a_frozen_row_says_how_to_change_it() -> None:
    person = Person(name="Anna")
    person.name = "Anne"
    freeze(person)
    with pytest.raises(Frozen, match=r"Person\.name.*write\.change"):
        person.name = "Bea"
    assert person.name == "Anne"


def test_filterable_text_has_its_fold_and_its_sort_key_beside_it() -> None:
    table = table_of(Person)
    assert companions(table.c.name) == ("name_fold", "name_sort")
    assert companions(table.c.email) is None
    filled = with_companions(table, {"name": "ＡNNA", "email": "a@example.com"})
    assert filled["name_fold"] == "anna"
    assert with_companions(table, {"name": None})["name_sort"] is None


def test_every_foreign_key_and_every_filter_has_an_index_that_begins_with_it() -> None:
    def first(table_columns: type) -> set[str]:
        return {next(iter(each.columns)).name for each in table_of(table_columns).indexes}

    assert first(Person) == {"name_fold", "name_sort", "created_at", "updated_at"}
    assert first(Purchase) == {"person_id", "created_at"}
    assert first(Balance) == {"points"}


def test_what_is_personal_of_a_text_is_personal_of_its_fold() -> None:
    names = [each.name for each in personal_columns(table_of(Person))]
    assert names == ["name", "email", "name_fold", "name_sort"]


def test_an_instant_is_one_text_of_one_width() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    there = noon.astimezone(timezone(timedelta(hours=8)))
    assert instant(noon) == instant(there) == "2026-01-31T12:00:00.000000Z"
    with pytest.raises(ValueError, match="no time zone"):
        instant(datetime(2026, 1, 31))  # noqa: DTZ001


def test_an_attribute_leads_to_its_table_and_its_column() -> None:
    table = table_of(Person)
    assert attribute(Person.created_at) == (table, table.c.created_at)

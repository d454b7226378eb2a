from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crmkit.testing import crm
from crmkit_loyalty.plugin import Loyalty
from examples.birthdays import Birthdays
from tests.plugins.shop import add_customer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial

pytestmark = pytest.mark.anyio

SET = """mutation ($id: ID!, $day: Date!) {
  setBirthday(input: {customerId: $id, day: $day}) { customer { birthday } } }"""


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Birthdays, engine=engine) as t:
        yield t


async def test_a_birthday_is_noted_and_found(t: Trial) -> None:
    anna = await add_customer(t, "Anna")
    await add_customer(t, "Berta")
    done = await t.gql(SET, id=anna, day="1990-02-28")
    assert done["setBirthday"]["customer"] == {"birthday": "1990-02-28"}
    found = await t.gql('{ customers(where: {birthday: {lt: "2000-01-01"}}) { nodes { name } } }')
    assert found["customers"]["nodes"] == [{"name": "Anna"}]


async def test_a_customer_comes_with_a_birthday(t: Trial) -> None:
    made = await t.gql("""mutation {
      createCustomer(input: {name: "Anna", birthdays: {day: "1990-02-28"}}) {
        customer { birthday } } }""")
    assert made["createCustomer"]["customer"] == {"birthday": "1990-02-28"}


async def test_nobody_is_born_tomorrow(t: Trial) -> None:
    anna = await add_customer(t)
    [error] = await t.errors(SET, id=anna, day="2026-01-02")
    assert error["extensions"]["code"] == "INVALID"
    assert error["extensions"]["problems"][0]["field"] == ["input", "day"]


async def test_two_apps_in_one_process_show_different_schemas(t: Trial) -> None:
    document = '{ __type(name: "Customer") { fields { name } } }'
    async with crm(Loyalty) as other:
        plain = await other.gql(document)
    told = await t.gql(document)
    names = [{each["name"] for each in some["__type"]["fields"]} for some in (told, plain)]
    assert "birthday" in names[0] - names[1]
    assert "loyaltyPoints" in names[1] - names[0]


def test_the_example_runs_by_itself() -> None:
    example = Path(__file__).parents[2] / "examples" / "birthdays.py"
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, check=True)
    assert "'birthday': '1815-12-10'" in done.stdout

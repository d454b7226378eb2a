from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from crmkit.engine import bulk
from crmkit.engine.mutation_fields import mutation_fields
from crmkit.engine.mutations import extend_input, mutation
from crmkit.host.context import Context
from crmkit.sdk import Customer
from crmkit.store.audit import Audit
from crmkit.store.idempotency import Idempotency
from crmkit.testing.trial import Trial, crm
from crmkit.values.errors import Refused, SetupError
from crmkit.values.ids import new_id
from tests.engine.harbour import (
    CALLS,
    Harbour,
    Pilots,
    RegisterShip,
    Ship,
    ShipRow,
    register_ships,
)

pytestmark = pytest.mark.anyio

NODES: dict[str, type] = {"Customer": Customer, "Ship": Ship}

ONE = "mutation($i: RegisterShipInput!) { registerShip(input: $i) { pilot ship { id callSign tons } } }"
MANY = """mutation($i: RegisterShipsInput!) { registerShips(input: $i) { results {
    index outcome error { code message reason plugin problems { field } } ship { callSign } } } }"""
LOAD = "mutation($i: LoadShipInput!) { loadShip(input: $i) { tons ship { tons version } } }"


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    async with crm(Harbour, Pilots, engine=engine) as trial:
        yield trial


@pytest.fixture
async def owner(t: Trial) -> str:
    made = await t.gql('mutation { createCustomer(input: {name: "Ada"}) { customer { id } } }')
    return str(made["createCustomer"]["customer"]["id"])


async def count(t: Trial, model: Any = ShipRow) -> int:
    [(number,)] = await t.host.database.fetch(select(func.count()).select_from(model))
    return int(number)


def ships(owner: str, *signs: str, **more: Any) -> dict[str, Any]:
    return {"items": [{"customerId": owner, "callSign": each} for each in signs], **more}


async def test_a_mutation_writes_and_answers_with_what_it_wrote(t: Trial, owner: str) -> None:
    answer = await t.gql(ONE, i={"customerId": owner, "callSign": "A", "tons": "900000"})
    made = answer["registerShip"]
    assert made["ship"] == {"id": made["ship"]["id"], "callSign": "A", "tons": "900000"}
    [(record,)] = await t.host.database.fetch(
        select(Audit.record).where(Audit.operation == "registerShip")
    )
    assert record == made["ship"]["id"]


async def test_what_its_payload_cannot_be_asked_for_is_refused_before_it_writes(
    t: Trial, owner: str
) -> None:
    document = """mutation($i: RegisterShipInput!, $first: Int) { registerShip(input: $i) {
      ship { customer { interactions(first: $first) { totalCount } } } } }"""
    given = {"customerId": owner, "callSign": "A"}
    for first in (-1, 1001):
        [error] = await t.errors(document, i=given, first=first)
        assert (error["path"], error["extensions"]["code"]) == (["registerShip"], "INVALID")
        assert await count(t) == 0
    assert "errors" not in await t.answer(document, {"i": given, "first": 1})
    assert await count(t) == 1


async def test_all_ids_of_an_input_are_looked_up_in_one_statement(t: Trial, owner: str) -> None:
    gone, wrong = new_id("customer"), new_id("team")
    items = [{"customerId": each, "callSign": each[-9:]} for each in (owner, gone, wrong)]
    with t.statements() as sent:
        [error] = await t.errors(MANY, i={"items": items})
    assert len([each for each in sent if "delivery" not in each and "outbox" not in each]) == 1
    assert error["extensions"]["code"] == "INVALID"
    assert {(each["field"][2], each["code"]) for each in error["extensions"]["problems"]} == {
        (1, "NOT_FOUND"),
        (2, "INVALID"),
    }


async def test_a_deleted_record_is_like_an_unknown_one(t: Trial, owner: str) -> None:
    await t.gql("mutation($id: ID!) { deleteCustomer(input: {id: $id}) { __typename } }", id=owner)
    [error] = await t.errors(ONE, i={"customerId": owner, "callSign": "A"})
    assert error["message"] == f"There is no Customer {owner}."
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert await count(t) == 0


# -- idempotency ------------------------------------------------------------------------------


async def test_a_repeat_with_a_key_has_no_second_effect(t: Trial, owner: str) -> None:
    asked = {"customerId": owner, "callSign": "A", "idempotencyKey": "k"}
    first, second = await t.gql(ONE, i=asked), await t.gql(ONE, i=asked)
    assert first == second
    assert await count(t) == 1


async def test_a_repeat_is_answered_though_its_ids_are_gone(t: Trial, owner: str) -> None:
    delete = """mutation($id: ID!) { deleteCustomer(input: {id: $id, idempotencyKey: "k"})
        { deletedCustomerId } }"""
    assert await t.gql(delete, id=owner) == await t.gql(delete, id=owner)


async def test_a_key_with_another_input_is_a_mismatch(t: Trial, owner: str) -> None:
    await t.gql(ONE, i={"customerId": owner, "callSign": "A", "idempotencyKey": "k"})
    [error] = await t.errors(ONE, i={"customerId": owner, "callSign": "B", "idempotencyKey": "k"})
    assert error["extensions"]["code"] == "IDEMPOTENCY_MISMATCH"
    assert error["extensions"]["problems"][0]["field"] == ["input", "idempotencyKey"]
    assert "plugin" not in error["extensions"]


async def test_a_key_of_a_refused_mutation_is_free(t: Trial, owner: str) -> None:
    asked = {"customerId": new_id("customer"), "callSign": "A", "idempotencyKey": "k"}
    [error] = await t.errors(ONE, i=asked)
    assert "plugin" not in error["extensions"]
    await t.gql(ONE, i=asked | {"customerId": owner})
    assert await count(t) == 1


@pytest.mark.parametrize("key", ["", "\0", "k" * 256])
async def test_a_key_that_cannot_be_kept_is_invalid(t: Trial, owner: str, key: str) -> None:
    [error] = await t.errors(ONE, i={"customerId": owner, "callSign": "A", "idempotencyKey": key})
    assert error["extensions"]["problems"][0]["field"] == ["input", "idempotencyKey"]


async def test_a_repeat_of_a_bulk_answers_each_row_as_before(t: Trial, owner: str) -> None:
    asked = ships(owner, "A", "B", "A", "C", onError="SKIP", idempotencyKey="k")
    first = await t.gql(MANY, i=asked)
    assert [each["outcome"] for each in first["registerShips"]["results"]] == [
        "CREATED",
        "CREATED",
        "REJECTED",
        "CREATED",
    ]
    keys, rows = await count(t, Idempotency), await count(t)
    assert await t.gql(MANY, i=asked) == first
    assert (await count(t, Idempotency), await count(t)) == (keys, rows)


# -- versions, guards and constraints ---------------------------------------------------------


async def test_a_stale_version_is_a_conflict_that_tells_the_current_one(
    t: Trial, owner: str
) -> None:
    made = await t.gql(ONE, i={"customerId": owner, "callSign": "A"})
    ship = made["registerShip"]["ship"]["id"]
    done = await t.gql(LOAD, i={"id": ship, "tons": 5, "version": 1})
    assert done == {"loadShip": {"tons": "5", "ship": {"tons": "6", "version": 2}}}
    [error] = await t.errors(LOAD, i={"id": ship, "tons": 5, "version": 1})
    assert error["extensions"]["code"] == "CONFLICT"
    [problem] = error["extensions"]["problems"]
    assert (problem["field"], problem["params"]) == (["input", "version"], {"current": 2})


async def test_a_guard_says_which_field_of_the_input_it_is_about(t: Trial, owner: str) -> None:
    made = await t.gql(ONE, i={"customerId": owner, "callSign": "A"})
    [error] = await t.errors(LOAD, i={"id": made["registerShip"]["ship"]["id"], "tons": -5})
    assert error["extensions"]["reason"] == "harbour.empty"
    assert error["extensions"]["plugin"] == "harbour"
    assert error["extensions"]["problems"][0]["field"] == ["input", "tons"]


async def test_a_constraint_of_the_database_is_told_in_our_words(t: Trial, owner: str) -> None:
    asked = {"customerId": owner, "callSign": "A"}
    await t.gql(ONE, i=asked)
    [error] = await t.errors(ONE, i=asked)
    assert error["message"] == "Another harbour ship has this call sign already."
    assert error["extensions"]["problems"][0]["field"] == ["input", "callSign"]
    [error] = await t.errors(ONE, i=asked | {"callSign": "B", "tons": "1000000"})
    assert error["message"] == "This harbour ship breaks a rule of its table."


# -- many at once -----------------------------------------------------------------------------


async def test_abort_writes_nothing_and_tells_all_refusals_together(t: Trial, owner: str) -> None:
    asked = ships(owner, "A", "B", "C")
    asked["items"][0]["tons"] = asked["items"][2]["tons"] = "-1"
    [error] = await t.errors(MANY, i=asked)
    assert error["extensions"]["code"] == "REFUSED"
    assert error["extensions"]["reason"] == "harbour.airship"
    assert [each["field"] for each in error["extensions"]["problems"]] == [
        ["input", "items", 0, "tons"],
        ["input", "items", 2, "tons"],
    ]
    assert await count(t) == 0


async def test_skip_leaves_out_what_rules_refuse(t: Trial, owner: str) -> None:
    asked = ships(owner, "A", "B", "C", "D", onError="SKIP")
    asked["items"][1]["tons"], asked["items"][3]["tons"] = "-1", "0"
    asked["items"][2]["customerId"] = gone = new_id("customer")
    results = (await t.gql(MANY, i=asked))["registerShips"]["results"]
    assert [each["outcome"] for each in results] == ["CREATED", "REJECTED", "REJECTED", "UNCHANGED"]
    assert [each["ship"] for each in results] == [{"callSign": "A"}, None, None, {"callSign": "D"}]
    assert results[1]["error"] == {
        "code": "REFUSED",
        "message": "A ship is not lighter than air.",
        "reason": "harbour.airship",
        "plugin": "harbour",
        "problems": [{"field": ["input", "items", "1", "tons"]}],
    }
    assert results[2]["error"]["message"] == f"There is no Customer {gone}."
    assert await count(t) == 2


async def test_skip_halves_until_the_culprit_stands_alone(t: Trial, owner: str) -> None:
    await t.gql(ONE, i={"customerId": owner, "callSign": "S5"})
    asked = ships(owner, *[f"S{number}" for number in range(8)], onError="SKIP")
    CALLS.clear()
    results = (await t.gql(MANY, i=asked))["registerShips"]["results"]
    assert [each["index"] for each in results if each["outcome"] == "REJECTED"] == [5]
    assert results[5]["error"]["problems"] == [{"field": ["input", "items", "5", "callSign"]}]
    # Whoever loses a unique key looks once again before it is believed.
    assert CALLS == [8, 8, 4, 4, 4, 2, 2, 1, 1, 1, 2]
    assert await count(t) == 8


async def test_services_get_a_thousand_at_once_and_abort_is_one_unit(t: Trial, owner: str) -> None:
    asked = ships(owner, *[f"S{number}" for number in range(1500)], "S1")
    CALLS.clear()
    [error] = await t.errors(MANY, i=asked)
    assert error["extensions"]["problems"][0]["field"] == ["input", "items"]
    assert CALLS == [1000, 501] * 2  # the unit that loses a key looks once again
    assert await count(t) == 0


async def test_what_went_in_before_a_mistake_is_told_with_it(
    t: Trial, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    asked = ships(owner, "A", "B", "BOOM", "C", "D", onError="SKIP")
    results = (await t.gql(MANY, i=asked))["registerShips"]["results"]
    outcomes = [each["outcome"] for each in results]
    assert outcomes == ["CREATED", "CREATED", "REJECTED", "REJECTED", "CREATED"]
    assert results[3]["error"]["code"] == "INTERNAL"
    [error] = await t.errors(MANY, i=ships(owner, "BOOM", onError="SKIP"))
    assert error["extensions"]["code"] == "INTERNAL"


# -- from code, and extensions ------------------------------------------------------------------


async def test_a_mutation_called_from_code_runs_in_the_unit_of_its_caller(
    t: Trial, owner: str
) -> None:
    document = """mutation($i: RegisterHarbourFleetInput!) { registerHarbourFleet(input: $i)
        { ships { callSign } } }"""
    asked = {"customerId": owner, "callSigns": ["A", "B"], "tons": 3}
    done = await t.gql(document, i=asked)
    assert done["registerHarbourFleet"]["ships"] == [{"callSign": "A"}, {"callSign": "B"}]
    [error] = await t.errors(document, i=asked | {"callSigns": ["C", "D"], "tons": -1})
    assert error["extensions"]["reason"] == "harbour.airship"
    assert {tuple(each["field"]) for each in error["extensions"]["problems"]} == {("input",)}
    assert await count(t) == 2


async def test_refusals_of_a_call_from_code_are_raised_there(t: Trial, owner: str) -> None:
    async def body(context: Context[Any]) -> str:
        with pytest.raises(Refused) as caught:
            await register_ships(context, [RegisterShip(owner, "A"), RegisterShip(owner, "B", -1)])
        assert not context.refusals
        return str(caught.value.problems[0].field)

    assert await t.unit(body) == "(1, 'tons')"


async def test_an_extension_is_a_field_named_as_its_plugin(t: Trial, owner: str) -> None:
    asked = {"customerId": owner, "callSign": "A", "pilots": {"name": "Bo"}}
    assert (await t.gql(ONE, i=asked))["registerShip"]["pilot"] == "Bo"
    [error] = await t.errors(ONE, i=asked | {"pilots": {"name": "\0"}})
    assert error["extensions"]["problems"][0]["field"] == ["input", "pilots", "name"]


async def test_two_apps_in_one_process_have_their_own_inputs(
    t: Trial, owner: str, engine: str
) -> None:
    async with crm(Harbour, engine=engine) as other:
        asked = {"customerId": owner, "callSign": "A", "pilots": {"name": "Bo"}}
        [error] = await other.errors(ONE, i=asked)
        assert "'pilots'" in error["message"]
    assert (await t.gql(ONE, i=asked))["registerShip"]["pilot"] == "Bo"


# -- declarations -------------------------------------------------------------------------------


@dataclass(frozen=True)
class SailShip:
    """Where to."""

    to: str
    """The harbour."""


@dataclass(frozen=True)
class SailedShip:
    """Where it went."""

    to: str
    """The harbour."""


async def sail_ship(context: Context[Any], input: SailShip) -> SailedShip:
    """Sail away."""
    return SailedShip(input.to)


async def sail_ships(context: Context[Any], drafts: Sequence[SailShip]) -> Sequence[SailedShip]:
    """Sail away."""
    return [SailedShip(each.to) for each in drafts]


async def sail_wordless(context: Context[Any], input: SailShip) -> SailedShip:
    return SailedShip(input.to)


async def sail_astray(context, input):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Sail away."""


def sail_at_once(context: Context[Any], input: SailShip) -> SailedShip:
    """Sail away."""
    return SailedShip(input.to)


@extend_input("harbour.RegisterShipp")
class Misspelt:
    """A misspelt target."""

    name: str
    """A name."""


@extend_input("pier.Register")
class Absent:
    """A target that is not here."""

    name: str
    """A name."""


@extend_input(SailShip)
class Stray:
    """An input without a mutation."""

    name: str
    """A name."""


def declared(function: Any, **given: Any) -> Any:
    return mutation(**({"permission": "harbour.ship.sail"} | given))(function)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (
            mutation(sail_ship),  # type: ignore[call-overload]
            "sail_ship of the plugin harbour declares no permission; "
            'write @sdk.mutation(permission="harbour.<object>.<action>").',
        ),
        (declared(sail_ship, permission="sail"), "takes the permission 'sail'; name it <plugin>"),
        (declared(sail_ships, bulk="sailShips"), "it takes Sequence[sdk.Draft[Input, Model]]"),
        (declared(sail_wordless), "sail_wordless has no description; write a docstring."),
        (
            declared(sail_astray),
            "takes a context and its input, and says what it returns; annotate both.",
        ),
        (declared(sail_at_once), "is not async; write async def."),
        (Misspelt, "which is no input; did you mean harbour.RegisterShip?"),
        (Stray, "which is no input of a mutation here"),
    ],
)
async def test_a_wrong_declaration_names_plugin_function_and_cure(part: Any, sentence: str) -> None:
    with pytest.raises(SetupError) as caught:
        mutation_fields([("harbour", register_ships), ("harbour", part)], NODES)
    assert sentence in str(caught.value)


async def test_what_extends_an_absent_plugin_counts_for_nothing() -> None:
    [single, bulk] = mutation_fields([("harbour", register_ships), ("x", Absent)], NODES)
    assert (single.name, bulk.name) == ("registerShip", "registerShips")
    assert (single.plugin, single.permission) == ("harbour", "harbour.ship.register")

"""Operators call the fields that plugins add as they like, which ends a clash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Select, literal, select

from crmkit import sdk
from crmkit.app import contract, load_plugins, schema_of
from crmkit.customers.models import Customer as CustomerRow
from crmkit.settings import Settings
from crmkit.testing import crm
from crmkit_orders.plugin import Orders
from tests.engine.zoo import Zoo

CREATE = 'mutation { createCustomer(input: {name: "Ada"}) { customer { id } } }'
NAMES = {
    "Customer.zooFeed": "feed",
    "Customer.zooCount": "beasts",
    "Customer.zooAnimals": "herd",
    "Query.zooAnimals": "animals",
    "ZooAnimal.weight": "grams",
}


def renaming(**said: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {name: {"rename": dict(names)} for name, names in said.items()}


def scores(plugin: str, value: int, target: Any = sdk.Customer) -> type[sdk.Plugin]:
    """A plugin that gives each customer this score."""

    def score(customer: type[CustomerRow]) -> Select[int]:
        """How good they are."""
        return select(literal(value)).where(customer.id.is_not(None))

    made = sdk.expression(score, filterable=True)
    members = {
        "__annotations__": {"score": int},
        "__module__": __name__,
        "__doc__": "More about customers.",
        "score": made,
    }
    more = sdk.extend(target)(type("More", (), members))

    def register_schema(self: sdk.Plugin, schema: sdk.SchemaBuilder) -> None:
        schema.add(more)

    return type(
        plugin.title(),
        (sdk.Plugin,),
        {"name": plugin, "version": "1.0", "words": ("score",), "register_schema": register_schema},
    )


@pytest.mark.anyio
async def test_a_new_name_counts_for_selection_where_and_order(engine: str) -> None:
    async with crm(Zoo, config=renaming(zoo=NAMES), engine=engine) as t:
        await t.gql(CREATE)
        asked = """{
          customers(where: {feed: {eq: "0"}, beasts: {lt: 1}, herd: {none: {grams: {gt: 5}}}},
                    orderBy: [FEED_DESC, BEASTS_ASC]) {
            nodes { name feed beasts herd(orderBy: [GRAMS_ASC]) { totalCount } }
          }
          animals { totalCount }
        }"""
        assert await t.gql(asked) == {
            "customers": {
                "nodes": [{"name": "Ada", "feed": "0", "beasts": 0, "herd": {"totalCount": 0}}]
            },
            "animals": {"totalCount": 0},
        }
        for old in (
            "customers { nodes { zooFeed } }",
            "customers(where: {zooFeed: {gt: 1}}) { totalCount }",
            "customers(orderBy: [ZOO_FEED_ASC]) { totalCount }",
            "zooAnimals { totalCount }",
        ):
            [error] = await t.errors(f"{{ {old} }}")
            assert error["extensions"]["reason"] == "graphql.validation"


@pytest.mark.anyio
async def test_a_clash_ends_when_one_of_the_two_is_renamed(engine: str) -> None:
    ports, fleets = scores("port", 1), scores("fleet", 2)
    config = renaming(fleet={"Customer.score": "xScore"})
    async with crm(ports, fleets, config=config, engine=engine) as t:
        await t.gql(CREATE)
        found = await t.gql("{ customers(orderBy: [X_SCORE_DESC]) { nodes { score xScore } } }")
        assert found["customers"]["nodes"] == [{"score": 1, "xScore": 2}]
        found = await t.gql(
            "{ customers(where: {score: {eq: 1}, xScore: {eq: 2}}) { totalCount } }"
        )
        assert found["customers"]["totalCount"] == 1


@pytest.mark.anyio
async def test_mutations_have_new_names_too(engine: str) -> None:
    config = renaming(orders={"Mutation.recordOrder": "book", "Mutation.recordOrders": "bookAll"})
    async with crm(Orders, config=config, engine=engine) as t:
        made = await t.gql(CREATE)
        customer = made["createCustomer"]["customer"]["id"]
        item = f'{{customerId: "{customer}", total: {{amount: "1.00", currency: "EUR"}}}}'
        one = await t.gql(f"mutation {{ book(input: {item}) {{ order {{ customer {{ id }} }} }} }}")
        assert one["book"]["order"]["customer"]["id"] == customer
        many = await t.gql(
            f"mutation {{ bookAll(input: {{items: [{item}]}}) {{ results {{ outcome }} }} }}"
        )
        assert many["bookAll"]["results"] == [{"outcome": "CREATED"}]
        [error] = await t.errors(f"mutation {{ recordOrder(input: {item}) {{ order {{ id }} }} }}")
        assert error["extensions"]["reason"] == "graphql.validation"


def test_a_part_of_the_schema_is_printed_with_the_new_names() -> None:
    settings = Settings.model_validate({"plugins": renaming(zoo=NAMES)})
    printed = contract(load_plugins(settings, [Zoo]), settings)
    assert "feed: BigInt!" in printed["zoo"]
    assert "FEED_ASC" in printed["zoo"]
    assert "zooFeed" not in printed["zoo"]
    assert "feed" not in printed["customers"]


def test_a_field_on_a_plugin_that_is_absent_keeps_its_new_name_for_later() -> None:
    said = renaming(port={"Order.score": "xScore"})
    port = scores("port", 1, target="orders.Order")
    settings = Settings.model_validate({"plugins": said})
    assert "xScore" not in schema_of(load_plugins(settings, [port]), settings).sdl()
    assert "xScore" in schema_of(load_plugins(settings, [Orders, port]), settings).sdl()


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    (
        "a field that is not there",
        renaming(zoo={"Customer.zooFed": "feed"}),
        "[plugins.zoo.rename] Customer.zooFed is no field that zoo adds (did you mean "
        "Customer.zooFeed?); correct or remove it.",
    ),
    (
        "a field of the core",
        renaming(zoo={"Customer.name": "title"}),
        "[plugins.zoo.rename] Customer.name is no field that zoo adds (did you mean "
        "Customer.zooFeed?); correct or remove it.",
    ),
    (
        "a name that is none",
        renaming(zoo={"Customer.zooFeed": "x feed"}),
        '[plugins.zoo.rename] "Customer.zooFeed" = "x feed" names no field; write a name such as '
        "xScore.",
    ),
    (
        "a name that filters need",
        renaming(zoo={"Customer.zooFeed": "and"}),
        '[plugins.zoo.rename] "Customer.zooFeed" = "and" names no field; write a name such as '
        "xScore.",
    ),
    (
        "a name that is taken",
        renaming(zoo={"Customer.zooFeed": "name"}),
        "Customer.name is declared by the plugins core and zoo; rename the field in one of them, "
        "or in crmkit.toml under [plugins.zoo.rename].",
    ),
]


@pytest.mark.parametrize(
    ("config", "sentence"), [pytest.param(*rest, id=name) for name, *rest in MISTAKES]
)
def test_a_wrong_name_stops_the_start_with_one_sentence(
    config: dict[str, Any], sentence: str
) -> None:
    settings = Settings.model_validate({"plugins": config})
    loaded = load_plugins(settings, [Zoo])
    with pytest.raises(sdk.SetupError) as stopped:
        schema_of(loaded, settings)
    assert str(stopped.value) == sentence


class Renaming(sdk.Plugin):
    name = "again"
    version = "1.0"

    class Config(sdk.Plugin.Config):
        rename: str = ""


REFUSED: list[tuple[str, Callable[[], type[sdk.Plugin]], dict[str, Any], str]] = [
    (
        "no table",
        lambda: Zoo,
        {"zoo": {"rename": "feed"}},
        '[plugins.zoo.rename] gives fields new names; write lines such as "Customer.score" = '
        '"xScore".',
    ),
    (
        "the core",
        lambda: Zoo,
        {"core": {"rename": {"Customer.name": "title"}}},
        "The core's fields keep their names; rename a plugin's in [plugins.<name>.rename].",
    ),
    (
        "an option of that name",
        lambda: Renaming,
        {},
        "The plugin again has an option rename, which says of every plugin how its fields are "
        "called; call the option something else.",
    ),
]


@pytest.mark.parametrize(
    ("plugin", "config", "sentence"), [pytest.param(*rest, id=name) for name, *rest in REFUSED]
)
def test_what_cannot_be_a_list_of_names_is_refused_when_plugins_are_loaded(
    plugin: Callable[[], type[sdk.Plugin]], config: dict[str, Any], sentence: str
) -> None:
    said = {"profile": "production", "secret": "s" * 32, "plugins": config}
    with pytest.raises(sdk.SetupError) as stopped:
        load_plugins(Settings.model_validate(said), [plugin()])
    assert str(stopped.value) == sentence

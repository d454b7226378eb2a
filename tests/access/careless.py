"""A plugin whose author thinks of no scope: it reads all there is and hands it to whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, func, select, text

from crmkit import sdk


async def names_of(context: sdk.Context, ids: Sequence[str]) -> Mapping[str, str]:
    rows = await context.read(select(sdk.rows.Customer.name))
    everybody = ", ".join(sorted(name for (name,) in rows))
    return dict.fromkeys(ids, everybody)


async def raw(context: sdk.Context, id: str) -> str | None:
    rows = await context.read(text("SELECT name FROM customer"))  # type: ignore[call-overload]
    return str(rows)


async def same_name(context: sdk.Context, id: str) -> int:
    row = sdk.rows.Customer
    rows = await context.read(select(row.id).where(row.name == "Hidden Hanna"))
    return len(rows)


async def by_rules(context: sdk.Context, id: str) -> int:
    return len(await context.rules(select(sdk.rows.Customer.name)))


def everybody(stage: type[sdk.rows.Stage]) -> Select[int]:
    return select(func.count(sdk.rows.Customer.id)).where(stage.id.is_not(None))


@sdk.extend(sdk.Stage)
class CarelessStage:
    """What it adds to stages, which anybody may see."""

    careless_names: str | None = sdk.batch(names_of, description="Everybody's names.")
    careless_raw: str | None = sdk.resolver(raw, description="The same as text.")
    careless_like: int | None = sdk.resolver(same_name, description="How many are called so.")
    careless_rules: int | None = sdk.resolver(by_rules, description="How many rules see.")
    careless_count: int = sdk.expression(everybody, description="How many there are.")


@sdk.query(permission=None)
async def careless_names(context: sdk.Context) -> str:
    """Everybody's names."""
    return (await names_of(context, [""]))[""]


class Careless(sdk.Plugin):
    """Thinks of nobody's privacy."""

    name = "careless"
    version = "1.0"
    requires_sdk = ">=1,<2"

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(CarelessStage, careless_names)

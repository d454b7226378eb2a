"""A plugin that is installed, used, and gone again: it texts customers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, text

from crmkit.app import Crm, load_plugins
from crmkit.cli.running import opened
from crmkit.graph.endpoint import GraphQL
from crmkit.host import migrations
from crmkit.settings import load_settings
from crmkit.testing import schemas

SMS = '''
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, Date, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk


class Account{n}(sdk.Base):
    __tablename__ = "sms_account"
    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), primary_key=True)
    sent: Mapped[int] = sdk.column(BigInteger, default=0, filterable=True, doc="How many.")


class Message{n}(sdk.Record):
    __tablename__ = "sms_message"
    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"))
    body: Mapped[str] = sdk.column(Text, personal=True)
    day: Mapped[date] = sdk.column(Date)
    urgent: Mapped[bool] = sdk.column()
    code: Mapped[bytes] = sdk.column(LargeBinary)


@sdk.extend(sdk.Customer)
class CustomerSms:
    sms_sent: sdk.BigInt = sdk.side(Account{n}.sent)


@dataclass(frozen=True)
class SendSms:
    """What to send."""

    customer_id: sdk.Ref[sdk.Customer]
    """To whom."""
    body: str
    """Which text."""


@dataclass(frozen=True)
class SmsSent:
    """Who got it."""

    customer: sdk.Customer
    """The customer."""


@dataclass(frozen=True)
class TextSent(sdk.Event):
    """A text is on its way."""


@sdk.mutation(permission="sms.message.send")
async def send_sms(context: sdk.Context, input: SendSms) -> SmsSent:
    """Send a text."""
    row = Message{n}(
        customer_id=input.customer_id,
        body=input.body,
        day=date(2026, 1, 31),
        urgent=True,
        code=bytes([0, 255]),
    )
    context.write.add(row)
    context.write.change(Account{n}, (input.customer_id,), add={Account{n}.sent: 1})
    context.emit(TextSent(input.customer_id))
    return SmsSent(customer=sdk.ref(sdk.Customer, input.customer_id))


async def greet(context: sdk.Context, event: sdk.Event) -> None:
    """Texts nobody yet."""


class Entry(sdk.Plugin):
    name = "sms"
    version = "1.0"

    def register_schema(self, schema: sdk.SchemaBuilder) -> None:
        schema.add(CustomerSms, send_sms)

    def register_permissions(self, permissions: sdk.PermissionBuilder) -> None:
        permissions.add("sms.message.send", "Text customers.")

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.add(TextSent)
        events.on("core.CustomersCreated")(greet)
        events.on("sms.TextSent")(greet)
'''

CREATE = 'mutation { createCustomer(input: {name: "Ada"}) { customer { id } } }'
SEND = 'mutation ($to: ID!) { sendSms(input: {customerId: $to, body: "Guten Tag, 世界"}) { customer { smsSent } } }'


def enable(*plugins: str) -> None:
    Path("crmkit.toml").write_text(f"[plugins]\nenabled = {[*plugins]}\n", encoding="utf-8")


@asynccontextmanager
async def app() -> AsyncGenerator[Crm]:
    """The app of the settings in this folder."""
    settings = load_settings()
    plugins = [type(each.manifest) for each in load_plugins(settings).plugins]
    async with opened(settings, schema=schemas.known(plugins, settings)) as crm:
        schemas.remember(crm.schema, plugins, settings)
        yield crm


def asked(document: str) -> dict[str, Any]:
    """What an app of the settings in this folder answers."""

    async def work() -> dict[str, Any]:
        async with app() as crm:
            return await GraphQL(crm.schema, crm.host).execute(document)

    return asyncio.run(work())


def text_ada_twice() -> None:
    """Makes a customer and sends her two texts; all events are delivered."""

    async def work() -> None:
        async with app() as crm:
            endpoint = GraphQL(crm.schema, crm.host)
            made = await endpoint.execute(CREATE)
            ada = made["data"]["createCustomer"]["customer"]["id"]
            for _ in range(2):
                sent = await endpoint.execute(SEND, variables={"to": ada})
                assert "errors" not in sent
            await crm.host.relay.drain()

    asyncio.run(work())


def tables(url: str) -> set[str]:
    return set(migrations.connected(url, lambda connection: inspect(connection).get_table_names()))


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    def read(connection: Any) -> list[tuple[Any, ...]]:
        return [tuple(each) for each in connection.execute(text(sql))]

    return migrations.connected(url, read)


def run_sql(url: str, *statements: str) -> None:
    def write(connection: Any) -> None:
        for each in statements:
            connection.execute(text(each))

    migrations.connected(url, write)

"""Strawberry with SQLAlchemy's ORM and data loaders, as their documentation teaches it.

    python -m tests.benchmarks.taught ADDRESS

Types with resolvers, a loader for every relation, a session for every load; Strawberry's own
view. It knows as much of the schema as the questions ask, and no idempotency keys.
"""

from __future__ import annotations

import base64
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

import orjson
import strawberry
from sqlalchemy import JSON, ForeignKey, Text, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

from crmkit.settings import DatabaseSettings
from crmkit.store.column_types import Code, UtcDateTime
from crmkit.values.clock import SystemClock
from crmkit.values.ids import new_id
from tests.benchmarks.serving import serve

_OPEN = ("new", "open", "pending", "on_hold")


# -- models ---------------------------------------------------------------------------


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[Any] = {str: Code(), datetime: UtcDateTime()}


class StageRow(Base):
    __tablename__ = "stage"
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    position: Mapped[int]


class CustomerRow(Base):
    __tablename__ = "customer"
    id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(Text)
    name_sort: Mapped[str]
    source: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None]
    stage_id: Mapped[str] = mapped_column(ForeignKey("stage.id"))


class ChannelRow(Base):
    __tablename__ = "channel"
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]


class InteractionRow(Base):
    __tablename__ = "interaction"
    id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"))
    channel_id: Mapped[str] = mapped_column(ForeignKey("channel.id"))
    direction: Mapped[str]
    kind: Mapped[str]
    occurred_at: Mapped[datetime]
    actor: Mapped[str]


class ContentRow(Base):
    __tablename__ = "interaction_content"
    interaction_id: Mapped[str] = mapped_column(ForeignKey("interaction.id"), primary_key=True)
    subject: Mapped[str | None] = mapped_column(Text)
    properties: Mapped[Any] = mapped_column(JSON, default=dict)


class AccountRow(Base):
    __tablename__ = "loyalty_account"
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    balance: Mapped[int]


class TicketRow(Base):
    __tablename__ = "feedback_ticket"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"))
    state: Mapped[str]


# -- loaders --------------------------------------------------------------------------


class Loaders:
    """What a request has already asked for, and what it waits to ask together."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions
        self.stage = DataLoader(load_fn=lambda ids: self._by_key(StageRow, StageRow.id, ids))
        self.channel = DataLoader(load_fn=lambda ids: self._by_key(ChannelRow, ChannelRow.id, ids))
        self.content = DataLoader(
            load_fn=lambda ids: self._by_key(ContentRow, ContentRow.interaction_id, ids)
        )
        self.account = DataLoader(
            load_fn=lambda ids: self._by_key(AccountRow, AccountRow.customer_id, ids)
        )
        self.open_tickets = DataLoader(load_fn=self._open_tickets)
        self.interactions = DataLoader(load_fn=self._interactions)

    async def _by_key(self, model: Any, key: Any, ids: Sequence[str]) -> list[Any]:
        async with self._sessions() as session:
            rows = (await session.scalars(select(model).where(key.in_(ids)))).all()
        found = {getattr(row, key.key): row for row in rows}
        return [found.get(each) for each in ids]

    async def _open_tickets(self, ids: Sequence[str]) -> list[int]:
        counted = (
            select(TicketRow.customer_id, func.count())
            .where(TicketRow.customer_id.in_(ids), TicketRow.state.in_(_OPEN))
            .group_by(TicketRow.customer_id)
        )
        async with self._sessions() as session:
            found = dict((await session.execute(counted)).all())
        return [found.get(each, 0) for each in ids]

    async def _interactions(self, keys: Sequence[tuple[str, int]]) -> list[list[InteractionRow]]:
        """The latest of each customer; how many is part of the key, and the same for all."""
        ids, first = [id_ for id_, _ in keys], keys[0][1]
        latest = (InteractionRow.occurred_at.desc(), InteractionRow.id.desc())
        place = func.row_number().over(partition_by=InteractionRow.customer_id, order_by=latest)
        ranked = (
            select(InteractionRow.id, place.label("place"))
            .where(InteractionRow.customer_id.in_(ids))
            .subquery()
        )
        wanted = (
            select(InteractionRow)
            .join(ranked, ranked.c.id == InteractionRow.id)
            .where(ranked.c.place <= first)
            .order_by(*latest)
        )
        async with self._sessions() as session:
            rows = (await session.scalars(wanted)).all()
        found = defaultdict(list)
        for row in rows:
            found[row.customer_id].append(row)
        return [found[each] for each in ids]


Info = strawberry.Info[dict[str, Any], None]


def _loaders(info: Info) -> Loaders:
    found: Loaders = info.context["loaders"]
    return found


def _session(info: Info) -> AsyncSession:
    made: AsyncSession = info.context["sessions"]()
    return made


# -- types ----------------------------------------------------------------------------


@strawberry.enum
class CustomerKind(Enum):
    PERSON = "person"
    ORGANISATION = "organisation"


@strawberry.enum
class Direction(Enum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


@strawberry.enum
class CustomerOrderBy(Enum):
    NAME_ASC = "name_asc"


@strawberry.type
class Stage:
    key: str
    position: int


@strawberry.type
class Channel:
    key: str


@strawberry.type
class Interaction:
    id: strawberry.ID
    kind: str
    direction: Direction
    occurred_at: datetime
    channel_id: strawberry.Private[str]

    @classmethod
    def of(cls, row: InteractionRow) -> Interaction:
        return cls(
            id=strawberry.ID(row.id),
            kind=row.kind,
            direction=Direction(row.direction),
            occurred_at=row.occurred_at,
            channel_id=row.channel_id,
        )

    @strawberry.field
    async def subject(self, info: Info) -> str | None:
        content = await _loaders(info).content.load(self.id)
        return content.subject if content else None

    @strawberry.field
    async def channel(self, info: Info) -> Channel:
        row = await _loaders(info).channel.load(self.channel_id)
        return Channel(key=row.key)


@strawberry.type
class Interactions:
    nodes: list[Interaction]


@strawberry.type
class Customer:
    id: strawberry.ID
    name: str
    kind: CustomerKind
    source: str | None
    locale: str | None
    created_at: datetime
    stage_id: strawberry.Private[str]

    @classmethod
    def of(cls, row: CustomerRow) -> Customer:
        return cls(
            id=strawberry.ID(row.id),
            name=row.name,
            kind=CustomerKind(row.kind),
            source=row.source,
            locale=row.locale,
            created_at=row.created_at,
            stage_id=row.stage_id,
        )

    @strawberry.field
    async def stage(self, info: Info) -> Stage:
        row = await _loaders(info).stage.load(self.stage_id)
        return Stage(key=row.key, position=row.position)

    @strawberry.field
    async def loyalty_points(self, info: Info) -> int:
        account = await _loaders(info).account.load(self.id)
        return int(account.balance)

    @strawberry.field
    async def open_tickets(self, info: Info) -> int:
        return await _loaders(info).open_tickets.load(self.id)

    @strawberry.field
    async def interactions(self, info: Info, first: int = 25) -> Interactions:
        rows = await _loaders(info).interactions.load((self.id, first))
        return Interactions(nodes=[Interaction.of(row) for row in rows])


@strawberry.type
class CustomerEdge:
    cursor: str
    node: Customer


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class CustomerConnection:
    edges: list[CustomerEdge]
    page_info: PageInfo

    @strawberry.field
    def nodes(self) -> list[Customer]:
        return [edge.node for edge in self.edges]


@strawberry.input
class IDFilter:
    eq: strawberry.ID | None = None


@strawberry.input
class CustomerKindFilter:
    eq: CustomerKind | None = None


@strawberry.input
class CustomerWhere:
    id: IDFilter | None = None
    kind: CustomerKindFilter | None = None


@strawberry.input
class RecordInteractionInput:
    customer_id: strawberry.ID
    channel: str
    direction: Direction
    kind: str
    idempotency_key: str | None = None


@strawberry.type
class RecordInteractionPayload:
    interaction: Interaction


@strawberry.type
class Query:
    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Customer | None:
        async with _session(info) as session:
            row = await session.get(CustomerRow, id)
        return Customer.of(row) if row and row.deleted_at is None else None

    @strawberry.field
    async def customers(
        self,
        info: Info,
        first: int = 25,
        after: str | None = None,
        where: CustomerWhere | None = None,
        order_by: list[CustomerOrderBy] | None = None,
    ) -> CustomerConnection:
        keys = [CustomerRow.name_sort, CustomerRow.id] if order_by else [CustomerRow.id]
        wanted = select(CustomerRow).where(CustomerRow.deleted_at.is_(None))
        if where and where.id:
            wanted = wanted.where(CustomerRow.id == where.id.eq)
        if where and where.kind and where.kind.eq:
            wanted = wanted.where(CustomerRow.kind == where.kind.eq.value)
        if after:
            wanted = wanted.where(tuple_(*keys) > tuple_(*_decoded(after)))
        async with _session(info) as session:
            rows = (await session.scalars(wanted.order_by(*keys).limit(first + 1))).all()
        edges = [
            CustomerEdge(
                node=Customer.of(row), cursor=_encoded([getattr(row, each.key) for each in keys])
            )
            for row in rows[:first]
        ]
        last = edges[-1].cursor if edges else None
        page = PageInfo(has_next_page=len(rows) > first, end_cursor=last)
        return CustomerConnection(edges=edges, page_info=page)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def record_interaction(
        self, info: Info, input: RecordInteractionInput
    ) -> RecordInteractionPayload:
        now = SystemClock().now()
        async with _session(info) as session, session.begin():
            channel = await session.scalar(
                select(ChannelRow).where(ChannelRow.key == input.channel)
            )
            customer = await session.get(CustomerRow, input.customer_id)
            if channel is None or customer is None:
                raise ValueError("There is no such customer or channel.")
            row = InteractionRow(
                id=new_id("interaction"),
                created_at=now,
                customer_id=customer.id,
                channel_id=channel.id,
                direction=input.direction.value,
                kind=input.kind,
                occurred_at=now,
                actor="system",
            )
            session.add(row)
            await session.flush()
            session.add(ContentRow(interaction_id=row.id))
            made = Interaction.of(row)
        return RecordInteractionPayload(interaction=made)


def _encoded(values: list[str]) -> str:
    return base64.b64encode(orjson.dumps(values)).decode()


def _decoded(cursor: str) -> list[str]:
    found: list[str] = orjson.loads(base64.b64decode(cursor))
    return found


# -- the application ------------------------------------------------------------------


class App(GraphQL[dict[str, Any], None]):
    """Strawberry's view, with loaders of its own for each request."""

    def __init__(self, address: str) -> None:
        super().__init__(strawberry.Schema(Query, Mutation))
        driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
        kind, _, rest = address.partition(":")
        size = DatabaseSettings().pool_size
        address = f"{driver[kind]}:{rest}"
        self._engine = create_async_engine(address, pool_size=size, max_overflow=0)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    async def answer(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answers without HTTP."""
        context = await self.get_context(None, None)
        done = await self.schema.execute(document, dict(variables), context)
        assert not done.errors, done.errors
        return {"data": done.data}

    async def close(self) -> None:
        """Closes the connections to the database."""
        await self._engine.dispose()

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {"sessions": self._sessions, "loaders": Loaders(self._sessions)}


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await _GRAPHQL(scope, receive, send)


if __name__ == "__main__":
    _GRAPHQL = App(sys.argv[1])
    serve(_app)

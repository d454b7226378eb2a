"""An app with chosen plugins, for as long as a test runs."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from crmkit.app import Crm, field_tables, load_plugins, open_crm
from crmkit.graph.endpoint import GraphQL
from crmkit.host.actors import SYSTEM, Actor, Grant
from crmkit.settings import Settings
from crmkit.testing import schemas
from crmkit.testing.databases import PATIENT, databases
from crmkit.values.clock import ManualClock
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Table

    from crmkit.host.host import Body, Host
    from crmkit.host.manifest import Plugin

_PATIENCE = PATIENT["statement_seconds"]


@asynccontextmanager
async def crm(
    *plugins: type[Plugin],
    config: Mapping[str, Mapping[str, Any]] | None = None,
    engine: str = "sqlite",
    **settings: Any,
) -> AsyncGenerator[Trial]:
    """Opens an app with the core and these plugins, on a database of its own.

    Args:
        plugins: Their classes; no entry point is asked.
        config: The section of each plugin in crmkit.toml, by its name.
        engine: `sqlite` or `postgresql`; the fixture `engine` runs a test on both.
        settings: Other sections, such as `organisation={"currency": "USD"}`.
    """
    clock = ManualClock()
    few = {"readers": 2, "pool_size": 4, **PATIENT, **settings.pop("database", {})}
    graphql = {"operation_seconds": _PATIENCE, **settings.pop("graphql", {})}

    async def opened(address: str) -> Crm:
        sections = {"plugins": config or {}, "graphql": graphql, **settings}
        made = Settings.model_validate({**sections, "database": {**few, "url": address}})
        schema = schemas.known(plugins, made)
        crm = _complete(await open_crm(made, plugins=plugins, clock=clock, schema=schema))
        crm.host.hooks.limit = _PATIENCE
        schemas.remember(crm.schema, plugins, made)
        return crm

    fields = Settings.model_validate({"fields": settings.get("fields", {})})
    address = await databases().new(engine, _tables(plugins), opened, field_tables(fields))
    started = await opened(address)
    try:
        # Events are delivered and jobs done when the test says drain(), not while it counts.
        await started.host.start(works=False)
        await started.host.sealer.stop()
        await started.host.notices.stop()
        yield Trial(started, clock)
        await started.host.stop()
    finally:
        await started.close()
        databases().drop(address)


class Trial:
    """An app on trial: its endpoint, its clock, and what goes to its database."""

    def __init__(self, crm: Crm, clock: ManualClock) -> None:
        self.crm = crm
        self.clock = clock
        self.actor = SYSTEM
        """Who asks; a test may say somebody else."""
        known = schemas.documents(crm.schema, crm.host.settings)
        self._endpoint = GraphQL(crm.schema, crm.host, documents=known)
        self.plans = self._endpoint.plans

    def become(
        self,
        *roles: str,
        user: str = "somebody",
        team: str | None = None,
        scope: str = "all",
        hidden: Collection[str] = (),
    ) -> None:
        """Asks from now on as a user with some of the roles that every app begins with.

        Args:
            roles: Such as `sales`.
            user: His id, which the row scope `own` compares with.
            team: The id of his team, which the row scope `team` compares with.
            scope: How far all of these roles reach.
            hidden: The fields that they hide, such as `Customer.phones`.
        """
        presets = self.host.loaded.presets
        grants = [Grant(presets[each], scope, frozenset(hidden)) for each in roles]
        rights = self.crm.schema.requirements.rights(grants)
        self.actor = Actor(user, "user", rights=rights, values={"user": user, "team": team})

    @property
    def host(self) -> Host:
        return self.crm.host

    async def gql(self, document: str, **variables: Any) -> dict[str, Any]:
        """Runs an operation and returns its data.

        Raises:
            AssertionError: The answer has errors.
        """
        answer = await self.answer(document, variables)
        if "errors" in answer:
            raise AssertionError(_readable(answer["errors"]))
        return dict(answer["data"])

    async def errors(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """Runs an operation that fails and returns its errors.

        Raises:
            AssertionError: It did not fail.
        """
        answer = await self.answer(document, variables)
        if "errors" not in answer:
            raise AssertionError(f"There are no errors in {_readable(answer)}.")
        return list(answer["errors"])

    async def answer(
        self, document: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Runs an operation and returns the whole answer, as a client decodes it."""
        made = await self._endpoint.execute(document, variables=variables, actor=self.actor)
        return dict(orjson.loads(orjson.dumps(made, default=str)))

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collects the SQL that goes to the drivers within the block."""
        sent: list[str] = []
        watchers = self.host.database.watchers
        watchers.append(sent.append)
        try:
            yield sent
        finally:
            watchers.remove(sent.append)

    async def unit(self, body: Body, *, plugin: str = "core", actor: Actor = SYSTEM) -> Any:
        """Runs `body(context)` in a unit of work of its own."""
        return await self.host.run_unit(plugin, body, operation="test", actor=actor)

    async def drain(self) -> None:
        """Delivers events and does jobs until none is left."""
        await self.host.drain()


@lru_cache(8)
def _tables(plugins: tuple[type[Plugin], ...]) -> Sequence[Table]:
    """The tables of the core and of these plugins."""
    return [table for each in load_plugins(Settings(), plugins).plugins for table in each.tables]


def _complete(crm: Crm) -> Crm:
    """Refuses an app in which a plugin is missing: a test wants all that it named."""
    for sentence in crm.host.loaded.skipped.values():
        raise SetupError(sentence)
    return crm


def _readable(answer: Any) -> str:
    return orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()

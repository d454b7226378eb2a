"""Puts the parts together: the only place that knows them all."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

import crmkit
from crmkit.access import plugin as access
from crmkit.access.service import SignIn
from crmkit.audit import plugin as audit
from crmkit.channels import plugin as channels
from crmkit.customers import plugin as customers
from crmkit.engine.registry import FIELDS
from crmkit.events import plugin as events
from crmkit.graph.contract import added
from crmkit.graph.endpoint import GraphQL
from crmkit.graph.graphiql.pages import graphiql
from crmkit.graph.origins import Origins
from crmkit.graph.schema import Schema
from crmkit.host.builders import SchemaBuilder
from crmkit.host.checks import Verified
from crmkit.host.host import Host
from crmkit.host.loading import load
from crmkit.host.manifest import Plugin
from crmkit.interactions import plugin as interactions
from crmkit.jobs import plugin as jobs
from crmkit.privacy import plugin as privacy
from crmkit.stages import plugin as stages
from crmkit.store.drivers import open_database
from crmkit.store.verification import Verification
from crmkit.tags import plugin as tags
from crmkit.values.clock import SystemClock
from crmkit.values.collecting import without_collecting
from crmkit.values.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from crmkit.graph.live.door import Live
    from crmkit.host.builders import EventBuilder, PermissionBuilder
    from crmkit.host.context import Context
    from crmkit.host.field_tables import FieldTable
    from crmkit.host.jobs import JobBuilder
    from crmkit.host.loading import Loaded
    from crmkit.settings import Settings
    from crmkit.values.clock import Clock

log = structlog.get_logger("crmkit.app")

ROOMS = (access, events, jobs, stages, channels, customers, tags, interactions, audit, privacy)
"""The rooms of the core; each knows those before it."""

_ENDPOINT = "/graphql"
_PATIENCE = 2  # seconds that a question about health may take


class Core(Plugin):
    """Customers, what was said and done, the ladder they climb, and who acts."""

    name = "core"
    version = crmkit.__version__

    def register_schema(self, schema: SchemaBuilder) -> None:
        for room in ROOMS:
            room.register_schema(schema)

    def register_permissions(self, permissions: PermissionBuilder) -> None:
        for room in ROOMS:
            room.register_permissions(permissions)

    async def verify(self, context: Context[Any]) -> Verified:
        host = context.host
        found = await Verification(host.database, host.auditor, host.sealer).run()
        sentence = (
            f"{found.head.total:,} entries of the audit under {found.head.seq:,} seals, "
            f"{found.unsealed:,} not sealed yet."
        )
        return Verified(sentence, found.faults)

    def register_events(self, events: EventBuilder) -> None:
        for room in (customers, interactions, privacy):
            room.register_events(events)

    def register_jobs(self, builder: JobBuilder) -> None:
        for room in (access, events, jobs):
            room.register_jobs(builder)


@dataclass(frozen=True)
class Crm:
    """The parts of one app, put together; several may live in one process."""

    host: Host
    schema: Schema
    sign_in: SignIn

    async def prepare(self) -> None:
        """Adds what a migrated database lacks: rows of side tables, and presets."""
        await self.host.prepare(access.add_presets, stages.add_presets, channels.add_presets)

    async def close(self) -> None:
        await self.sign_in.close()
        await self.host.database.close()


async def open_crm(
    settings: Settings,
    *,
    plugins: Sequence[type[Plugin]] | None = None,
    clock: Clock | None = None,
    schema: Schema | None = None,
    answers: bool = True,
    alone: bool = False,
) -> Crm:
    """Loads the plugins, builds the schema and opens the database.

    Args:
        settings: What the operator says.
        plugins: These and no others, instead of those that the settings enable.
        clock: The time; the machine's unless said.
        schema: One that was built of the same plugins, which saves building it.
        answers: Whether operations will be asked of it; if not, what of the schema only they
            need is made when somebody asks for it.
        alone: Whether one asks and nobody else waits; see `open_database`.

    Raises:
        SetupError: Something does not fit together.
        Unavailable: The database does not answer.
    """
    loaded = load_plugins(settings, plugins)
    made = schema or (schema_of if answers else begun_schema_of)(loaded, settings)
    return await _opened(settings, loaded, made, clock, alone=alone)


async def open_host(
    settings: Settings, loaded: Loaded, clock: Clock | None = None, *, alone: bool = False
) -> Host:
    """Opens the database for these plugins alone, without a schema, which takes its time.

    Raises:
        Unavailable: The database does not answer.
    """
    database = await open_database(settings.database, alone=alone)
    return Host(settings, database, clock or SystemClock(), loaded)


async def _opened(
    settings: Settings,
    loaded: Loaded,
    schema: Schema,
    clock: Clock | None = None,
    *,
    alone: bool = False,
) -> Crm:
    host = await open_host(settings, loaded, clock, alone=alone)
    host.schema = schema
    sides = schema.registry.sides()
    host.sides = {table: tuple(models) for table, models in sides.items()}
    nodes = schema.registry.nodes.values()
    host.aliases = {each.prefix: each.aliases for each in nodes if each.aliases}
    return Crm(host, schema, SignIn(host))


@without_collecting()
def load_plugins(settings: Settings, plugins: Sequence[type[Plugin]] | None = None) -> Loaded:
    """Loads the core with the enabled plugins, or with these and no others."""
    if plugins is None:
        return load(settings, extra=[Core])
    none_enabled = settings.plugins.model_copy(update={"enabled": ()})
    return load(settings.model_copy(update={"plugins": none_enabled}), extra=[Core, *plugins])


@without_collecting()
def schema_of(loaded: Loaded, settings: Settings) -> Schema:
    """Builds the one schema of what these plugins registered.

    Raises:
        SetupError: What they registered does not fit together.
    """
    made = begun_schema_of(loaded, settings)
    made.complete()
    return made


@without_collecting()
def begun_schema_of(loaded: Loaded, settings: Settings) -> Schema:
    """Builds the types and fields of records, and leaves the rest until somebody asks for it.

    Raises:
        SetupError: What these plugins registered does not fit together so far.
    """
    parts = [(each.name, part) for each in loaded.plugins for part in each.schema.parts]
    own = SchemaBuilder(FIELDS)
    customers.register_fields(own, settings.fields)
    parts += [(FIELDS, part) for part in own.parts]
    return _schema(parts, loaded, settings)


def _schema(parts: Sequence[tuple[str, Any]], loaded: Loaded, settings: Settings) -> Schema:
    return Schema(
        parts,
        settings,
        words={each.name: each.manifest.words for each in loaded.plugins},
        permissions=loaded.permissions,
        scopes=loaded.scopes,
        narrowing=loaded.row_scopes,
        renames=_renames(parts, loaded),
    )


def _renames(parts: Sequence[tuple[str, Any]], loaded: Loaded) -> dict[str, Mapping[str, str]]:
    """New names of fields, without those of plugins whose part is left out."""
    present = {name for name, _ in parts}
    left_out = {each.name for each in loaded.plugins if each.schema.parts} - present
    return {each.name: each.renames for each in loaded.plugins if each.name not in left_out}


def field_tables(settings: Settings) -> list[FieldTable]:
    """What the organisation's own fields want of the database."""
    return [customers.field_table(settings.fields)]


def contract(loaded: Loaded, settings: Settings) -> dict[str, str]:
    """Each room's part of the schema, in GraphQL's own language, by the room's name.

    A core room's part is what it adds to the rooms below it; a plugin's is what the schema
    would lack without that plugin.
    """
    found: dict[str, str] = {}
    parts: list[tuple[str, Any]] = []
    before = None
    for room in ROOMS:
        builder = SchemaBuilder(Core.name)
        room.register_schema(builder)
        parts += [(Core.name, part) for part in builder.parts]
        after = _schema(parts, loaded, settings).core
        found[room.__name__.split(".")[1]] = added(before, after)
        before = after
    everything = [(each.name, part) for each in loaded.plugins for part in each.schema.parts]
    whole = _schema(everything, loaded, settings).core
    for each in loaded.plugins:
        if each.name != Core.name:
            others = [(name, part) for name, part in everything if name != each.name]
            found[each.name] = added(_schema(others, loaded, settings).core, whole)
    return found


class App(Starlette):
    """An application whose endpoint stands before its layers: these take as long as a small query."""

    endpoint: ASGIApp | None = None
    live: Live | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.endpoint and scope["type"] != "lifespan" and scope["path"] == _ENDPOINT:
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def hang_up(self) -> None:
        """Has those who stay connected hear that the server stops."""
        if self.live is not None:
            await self.live.close()


def create_app(settings: Settings) -> App:
    """The application that a server runs; the database is opened when it starts.

    Raises:
        SetupError: Something does not fit together.
    """
    loaded = load_plugins(settings)
    schema = schema_of(loaded, settings)

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncGenerator[None]:
        crm = await _opened(settings, loaded, schema)
        try:
            await crm.prepare()
            await crm.host.start()
            graphql = GraphQL(crm.schema, crm.host, sign_in=crm.sign_in)
            await graphql.warm()
            app.router.routes[:] = opened = routes(crm, graphql)
            app.endpoint, app.live = opened[0].app, graphql.live
            yield
            await app.hang_up()
            await crm.host.stop()
        finally:
            await crm.close()

    return App(lifespan=lifespan)


def routes(crm: Crm, graphql: GraphQL | None = None) -> list[Route | WebSocketRoute]:
    """The addresses of an app that has been opened; the endpoint's stands first."""

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        if getattr(request.app.state, "stopping", False):
            return JSONResponse({"status": "stopping"}, 503)
        problems = await _problems(crm.host)
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, 503)
        return JSONResponse({"status": "ready"})

    in_development = crm.host.settings.profile == "development"
    origins = Origins(crm.host.settings)
    endpoint = graphql or GraphQL(crm.schema, crm.host, origins, sign_in=crm.sign_in)
    around = origins.around(endpoint)
    return [
        Route(_ENDPOINT, around),
        WebSocketRoute(_ENDPOINT, around),
        *(route for each in endpoint.observers for route in each.routes()),
        *(graphiql(crm.schema) if in_development else ()),
        Route("/health/live", live),
        Route("/health/ready", ready),
    ]


async def _problems(host: Host) -> dict[str, str]:
    """What is wrong with the database or a plugin, by its name."""
    problems = {}
    try:
        async with asyncio.timeout(_PATIENCE):
            await host.ping()
    except (Unavailable, TimeoutError):
        problems["database"] = "The database does not answer."
    for each in host.loaded.plugins:
        try:
            async with asyncio.timeout(_PATIENCE):
                await each.manifest.health(host)
        except Exception:
            log.exception("plugin not healthy", plugin=each.name)
            problems[each.name] = f"The plugin {each.name} is not healthy."
    return problems

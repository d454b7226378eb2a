"""How commands run: with an app that is opened for them and closed after them."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import structlog
from uvicorn.loops.auto import auto_loop_factory

from crmkit.app import Crm, field_tables, open_crm
from crmkit.host import lineages
from crmkit.host.field_tables import pending
from crmkit.settings import Settings, load_settings
from crmkit.values.collecting import settled
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    from crmkit.graph.schema import Schema
    from crmkit.host.context import Context
    from crmkit.host.loaded import Loaded

T = TypeVar("T")


class Runner:
    """What a plugin's command finds in `ctx.obj`: the way to its data."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin

    def run(self, body: Callable[[Context[Any]], Awaitable[T]]) -> T:
        """Runs `body(context)` in a unit of work, bound to the plugin."""

        async def work() -> T:
            async with opened(load_settings()) as crm:
                result: T = await crm.host.run_unit(
                    self.plugin, body, operation=f"crmkit {self.plugin}"
                )
                return result

        log_to_stderr(logging.WARNING)
        return asyncio.run(work())


def completed(work: Coroutine[Any, Any, T]) -> T:
    """Runs what takes long, in the event loop that a server would have."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(work)


@asynccontextmanager
async def opened(settings: Settings, *, schema: Schema | None = None) -> AsyncGenerator[Crm]:
    """Opens an app whose tables are those of the code, and closes it.

    Args:
        settings: What the operator says.
        schema: One that was built of the same settings; else a part of it is, and the rest
            when the command asks for it.

    Raises:
        SetupError: The database has not been upgraded.
    """
    crm = await open_crm(settings, schema=schema, answers=False)
    try:
        await asyncio.to_thread(check_upgraded, settings, crm.host.loaded)
        await crm.prepare()
        with settled():
            yield crm
    finally:
        await crm.close()


def check_upgraded(settings: Settings, loaded: Loaded) -> None:
    """Refuses a database whose tables are older or newer than the code.

    Raises:
        SetupError: They are.
    """
    standing = lineages.status(settings.database.url, loaded)
    behind = [each.plugin for each in standing if each.current != each.head]
    if behind:
        raise SetupError(
            f"The tables of {' and '.join(behind)} are not those of this version; "
            "run crmkit db upgrade."
        )
    for wanted in field_tables(settings):
        if todo := pending(settings.database.url, wanted):
            raise SetupError(
                f"The database does not have the fields of {wanted.kind} as crmkit.toml defines "
                f"them: {'; '.join(todo)}. Run crmkit db upgrade."
            )


def check_enabled(plugin: str, settings: Settings) -> None:
    """Refuses the commands of a plugin that is not to run.

    Raises:
        SetupError: The settings do not enable it, or it is safe mode.
    """
    if settings.safe_mode:
        raise SetupError(
            f"In safe mode no plugin runs, so {plugin} has no commands; unset CRMKIT_SAFE_MODE."
        )
    enabled = settings.plugins.enabled
    if enabled is not None and plugin not in enabled:
        raise SetupError(f"The plugin {plugin} is not enabled; add it to [plugins] enabled.")


def leniently(settings: Settings) -> Settings:
    """Settings under which a broken plugin is skipped, for commands that tell of it."""
    return settings.model_copy(update={"profile": "development"})


def log_to_stderr(level: int = logging.INFO) -> None:
    """Leaves the standard output to answers, and people's data out of the log."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *(_for_people() if sys.stderr.isatty() else _for_programs()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _for_people() -> list[Any]:
    # The default tells the values of local variables, which are customers' too.
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def _for_programs() -> list[Any]:
    """A line of JSON each, which costs a request a quarter of what colours and columns do."""
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _json(said: Any, **_: Any) -> str:
    return orjson.dumps(said, default=str).decode()

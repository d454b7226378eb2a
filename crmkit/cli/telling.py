"""`crmkit events`: what has happened, and whom it still has to be told."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from crmkit.app import load_plugins
from crmkit.cli.running import Runner, log_to_stderr
from crmkit.events import service
from crmkit.events.repository import Which
from crmkit.host.catalog import catalog
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from crmkit.host.catalog import Entry
    from crmkit.host.loaded import Loaded

_OUT = Console(highlight=False)
_TITLE = """# Every event

What is told after a commit, from the code itself (`crmkit events catalog`); the query
`eventCatalog` says the same of a running app. A change that breaks a payload counts its version
up. An event of many records has their ids in lists, of at most 1,000.
"""
_PAUSE = 1.0  # seconds between two looks for what is new


def tail(limit: int, *, follow: bool) -> None:
    """Prints the latest events, and goes on with what comes if it is to follow."""
    after = 0
    while True:
        for seq, at, name, record, _ in _run(partial(service.latest, after=after, limit=limit)):
            _OUT.out(f"{seq}  {at:%Y-%m-%d %H:%M:%S}  {name}  {record}")
            after = seq
        if not follow:
            return
        time.sleep(_PAUSE)


def dead(which: Which, *, again: bool) -> None:
    """Lists the deliveries that were given up, or has them made again."""
    if again:
        _send(which, only_dead=True)
        return
    table = Table("delivery", "handler", "event", "record", "tries", "problem", box=SIMPLE)
    for seq, handler, name, record, tries, problem in _run(partial(service.dead, which=which)):
        table.add_row(str(seq), handler, name, record, str(tries), problem or "")
    _OUT.print(table)


def replay(which: Which) -> None:
    """Has handlers told again of what they have been told.

    Raises:
        SetupError: Nothing says of what, which would be everything.
    """
    if which == Which():
        raise SetupError("Say of what: --event, --name, --handler, --since or --until.")
    _send(which, only_dead=False)


def print_catalog() -> None:
    """Prints the page about all events of the enabled plugins."""
    log_to_stderr(logging.WARNING)
    _OUT.out(page(load_plugins(load_settings())), end="", highlight=False)


def page(loaded: Loaded) -> str:
    """The page, in Markdown."""
    return "\n".join([_TITLE, *map(_shown, catalog(loaded))])


def _shown(each: Entry) -> str:
    heard = ", ".join(f"`{name}`" for name in each.handlers) or "nobody among these plugins"
    schema = json.dumps(each.schema, indent=2)
    about = f"; about records of the type `{each.about}`" if each.about else ""
    told = f"{each.description}\n\nVersion {each.version}{about}; heard by {heard}."
    return f"## {each.name}\n\n{told}\n\n```json\n{schema}\n```\n"


def which(
    event: int | None, name: str | None, handler: str | None, since: str | None, until: str | None
) -> Which:
    """What the options of a command mean.

    Raises:
        SetupError: A moment is none.
    """
    return Which(event, name, handler, _moment(since), _moment(until))


def _moment(said: str | None) -> datetime | None:
    if said is None:
        return None
    try:
        made = datetime.fromisoformat(said)
    except ValueError:
        raise SetupError(f"{said} is no moment such as 2026-01-31T09:00Z.") from None
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _send(which: Which, *, only_dead: bool) -> None:
    # A unit for each page: nobody waits until all have been looked through.
    count, after = 0, 0
    while True:
        some, after = _run(
            partial(service.send_again, which=which, only_dead=only_dead, after=after)
        )
        count += some
        if not after:
            break
    _OUT.print(f"Deliveries that are made again: {count:,}.")


def _run(body: Callable[..., Any]) -> Any:
    return Runner("core").run(body)

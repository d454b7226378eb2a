"""`crmkit audit`: whether it is what was written, and a copy to be kept elsewhere."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson
from rich.console import Console

from crmkit.app import load_plugins, open_host
from crmkit.cli.running import check_upgraded, log_to_stderr
from crmkit.settings import load_settings
from crmkit.store.seals import Head
from crmkit.store.verification import Verification
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from crmkit.host.host import Host
    from crmkit.store.verification import Verdict

_OUT = Console(highlight=False, markup=False, soft_wrap=True)


def verify(file: Path | None) -> None:
    """Says what was found; ends with 1 if something is not as it was written.

    Raises:
        SetupError: The file is no export.
    """
    kept = None if file is None else _head_in(file)
    verdict = asyncio.run(_verified(kept))
    for each in verdict.faults:
        _OUT.print(f"wrong: {each}")
    _OUT.print(_said(verdict))
    if verdict.faults:
        sys.exit(1)


def export(file: Path) -> None:
    """Writes every sealed entry, one JSON object a line, and the head of the chain at the end.

    Raises:
        SetupError: The file is there already, or cannot be made.
    """
    head = asyncio.run(_exported(file))
    _OUT.print(f"{file} holds {head.total:,} entries and the head of the chain, seal {head.seq}.")


async def _verified(kept: Head | None) -> Verdict:
    async with _host() as host:
        return await Verification(host.database, host.auditor, host.sealer).run(kept)


async def _exported(file: Path) -> Head:
    async with _host() as host:
        await host.sealer.drain()
        verification = Verification(host.database, host.auditor, host.sealer)
        # Before the entries: whatever is sealed meanwhile is beyond it.
        head = await verification.head()
        try:
            with file.open("xb") as lines:
                async for each in verification.lines(head):
                    lines.write(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE))
                told = {"seal": head.seq, "entries": head.total, "mac": head.mac.hex()}
                lines.write(orjson.dumps({"head": told}, option=orjson.OPT_APPEND_NEWLINE))
        except FileExistsError:
            raise SetupError(f"There is a {file} already; say another file.") from None
        except OSError as error:
            raise SetupError(f"{file} cannot be written: {error}.") from None
        return head


@asynccontextmanager
async def _host() -> AsyncGenerator[Host]:
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    loaded = load_plugins(settings)
    await asyncio.to_thread(check_upgraded, settings, loaded)
    host = await open_host(settings, loaded)
    try:
        yield host
    finally:
        await host.database.close()


def _head_in(file: Path) -> Head:
    try:
        told = orjson.loads(file.read_bytes().splitlines()[-1])["head"]
        return Head(told["seal"], told["entries"], bytes.fromhex(told["mac"]))
    except (OSError, LookupError, TypeError, ValueError):
        raise SetupError(f"{file} does not end as crmkit audit export ends its files.") from None


def _said(verdict: Verdict) -> str:
    head = verdict.head
    erased = f", {verdict.erased:,} of them without their text" if verdict.erased else ""
    return (
        f"{head.total:,} entries under {head.seq:,} seals{erased}; "
        f"{verdict.unsealed:,} entries wait for the next seal."
    )

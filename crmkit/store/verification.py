"""Whether the audit is what was written: every entry, every seal, and the end of the chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from crmkit.store.audit import Audit, AuditText, digest_of
from crmkit.store.column_types import instant
from crmkit.store.database import table_of
from crmkit.store.seals import Head, Sealer, mac_of, seal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from crmkit.store.audit import Auditor
    from crmkit.store.drivers import Database

_SEALS = 50  # read at a time
_ENTRIES = 1_000

entry, text = table_of(Audit), table_of(AuditText)


@dataclass
class Verdict:
    """What a verification found: how much there is, and each fault as a sentence."""

    head: Head = field(default_factory=Head)
    unsealed: int = 0
    erased: int = 0
    faults: list[str] = field(default_factory=list)


class Verification:
    """Walks along the chain from its beginning and compares everything with its MAC."""

    def __init__(self, database: Database, auditor: Auditor, sealer: Sealer) -> None:
        self._database = database
        self._auditor = auditor
        self._sealer = sealer
        self._verdict = Verdict()

    async def run(self, kept: Head | None = None) -> Verdict:
        """Verifies all there is; `kept` is a head that somebody took away earlier."""
        faults, found = self._verdict.faults, False
        async for made in self._seals():
            await self._check(made)
            if kept and made["seq"] == kept.seq:
                found = bytes(made["mac"]) == kept.mac
                if not found:
                    faults.append(f"Seal {kept.seq} is not the one that was exported.")
        if kept and not found and self._verdict.head.seq < kept.seq:
            faults.append(
                f"The chain ends at seal {self._verdict.head.seq}, and the exported head is "
                f"seal {kept.seq}: its end was cut off."
            )
        await self._check_rest()
        return self._verdict

    async def lines(self, head: Head) -> AsyncIterator[dict[str, Any]]:
        """Every entry up to a head, in the order of the chain, as plain values."""
        async for made in self._seals():
            if made["seq"] > head.seq:
                return
            rows = await self._entries(made["entries"])
            for id_ in made["entries"]:
                if id_ in rows:
                    yield {"seal": made["seq"], **_plain(rows[id_])}

    async def head(self) -> Head:
        """The end of the chain as it stands."""
        newest = select(seal.c.seq, seal.c.total, seal.c.mac).order_by(seal.c.seq.desc()).limit(1)
        found = await self._database.fetch(newest)
        return Head(found[0][0], found[0][1], bytes(found[0][2])) if found else Head()

    # -- the chain ------------------------------------------------------------------------

    async def _seals(self) -> AsyncIterator[dict[str, Any]]:
        last, names = 0, [each.name for each in seal.columns]
        while True:
            page = select(seal).where(seal.c.seq > last).order_by(seal.c.seq).limit(_SEALS)
            rows = await self._database.fetch(page)
            for row in rows:
                yield dict(zip(names, row, strict=True))
            if not rows:
                return
            last = rows[-1][0]

    async def _check(self, made: Mapping[str, Any]) -> None:
        """Compares a seal with what it seals, and with the seal before."""
        verdict, ids = self._verdict, made["entries"]
        before, faults = verdict.head, verdict.faults
        rows = await self._entries(ids)
        if made["seq"] != before.seq + 1:
            faults.append(f"Seal {before.seq + 1} is gone; seal {made['seq']} follows.")
        faults += [
            f"The entry {each} of seal {made['seq']} is gone." for each in ids if each not in rows
        ]
        for row in rows.values():
            self._check_entry(row)
        macs = [bytes(rows[each]["mac"]) for each in ids if each in rows]
        if bytes(made["mac"]) != mac_of(self._auditor, before, dict(made), macs):
            faults.append(
                f"Seal {made['seq']} does not fit: it, an entry under it, their order or the seal "
                "before it was altered."
            )
        verdict.head = Head(made["seq"], before.total + len(ids), bytes(made["mac"]))

    async def _entries(self, ids: Collection[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        names = [*[each.name for each in entry.columns], "has_text", "said"]
        all_ids = [*ids]
        for first in range(0, len(all_ids), _ENTRIES):
            some = all_ids[first : first + _ENTRIES]
            rows = select(*entry.columns, text.c.audit_id, text.c.said).outerjoin(
                text, text.c.audit_id == entry.c.id
            )
            for row in await self._database.fetch(rows.where(entry.c.id.in_(some))):
                found[row[0]] = dict(zip(names, row, strict=True))
        return found

    def _check_entry(self, row: Mapping[str, Any]) -> None:
        if bytes(row["mac"]) != self._auditor.mac_of(row):
            self._verdict.faults.append(f"The entry {row['id']} was altered.")
        if row["said"] is not None and not _fits(row["said"], row["digest"]):
            self._verdict.faults.append(f"The text of the entry {row['id']} was altered.")
        self._verdict.erased += row["digest"] is not None and row["said"] is None

    async def _check_rest(self) -> None:
        """What is not sealed yet, and what never will be because nobody wrote it here."""
        tail = [id_ for id_, *_ in await self._sealer.unsealed()]
        for row in (await self._entries(tail)).values():
            self._check_entry(row)
        [(there,)] = await self._database.fetch(select(func.count()).select_from(entry))
        self._verdict.unsealed = len(tail)
        beside = there - self._verdict.head.total - len(tail)
        if beside > 0:
            self._verdict.faults.append(f"{beside} entries stand beside the chain.")


def _fits(said: Any, digest: bytes | None) -> bool:
    return digest is not None and digest_of(said) == bytes(digest)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry for whoever reads it elsewhere."""
    made = {name: value for name, value in row.items() if name not in {"has_text", "transaction"}}
    for name in ("digest", "mac"):
        made[name] = made[name] and bytes(made[name]).hex()
    return {**made, "created_at": instant(made["created_at"])}

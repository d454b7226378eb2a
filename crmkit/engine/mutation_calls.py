"""How a client's call of a mutation runs: read the input, look up its ids, do the work."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson

from crmkit.engine import lookups
from crmkit.engine.bulk import Asked, Done, Places, Work
from crmkit.engine.mutation_results import OnError, answered
from crmkit.engine.mutation_shapes import Reading, RecordShape, fault_of_text
from crmkit.engine.mutations import Declaration
from crmkit.engine.written_records import Dump, NamedIds, Odd, Reader, dumper, reader
from crmkit.store.premises import Unfounded
from crmkit.store.unit_of_work import IdempotencyKey
from crmkit.values.errors import ErrorCode, Failure, Invalid, Path, Problem, combined

if TYPE_CHECKING:
    from crmkit.host.actors import Actor
    from crmkit.host.host import Host

_LONGEST_KEY = 255

Input = Mapping[str, Any]
Run = Callable[[Sequence[Asked]], Awaitable[Sequence[Done]]]

_PLACE: Path = ("input",)


Applied = tuple[object, Mapping[str, Mapping[str, Any]]]
"""What a mutation has done: its payload, and what it wrote of the records that it made."""


@dataclass(slots=True, eq=False)
class Read:
    """One record of an input as it was sent, the ids in it, and what it asks if it is plainly right."""

    index: int
    value: Input
    path: Path
    named: NamedIds
    asked: Asked | None


@dataclass(eq=False)
class Calls:
    """A mutation of one schema: its names, how its input is read, what it answers."""

    plugin: str
    single: str
    declared: Declaration[Any, Any]
    reads: RecordShape
    payload: RecordShape
    extensions: dict[str, RecordShape] = field(default_factory=dict)

    async def one(self, host: Host, actor: Actor, request_id: str | None, input: Input) -> Applied:
        """Runs the mutation of one record; mostly all is right, and its unit finds that out."""
        work = self._work(host, actor, request_id, self.single, input, self._place)
        named: NamedIds = {}
        try:
            made, extensions = self._plainly(input, named)
            if len(named) > lookups.FEW:
                raise Odd  # They are looked up apart.
            premise = lookups.all_seen(host, actor, named)
            return await work.only(made, extensions, premise), work.added
        except (Odd, Unfounded):
            pass
        except Failure as failure:
            if not _misses(failure) or not await _have_become(host, actor, named):
                raise
        read = self._read(0, input, _PLACE)
        done = await self._looked_up(work.all_or_nothing, host, actor, [read])
        return done[0].payload, work.added

    async def many(self, host: Host, actor: Actor, request_id: str | None, input: Input) -> Applied:
        """Runs the mutation of many records; its payload says what became of each."""
        whole = ("input", "items")
        read = [self._read(i, each, (*whole, i)) for i, each in enumerate(input["items"])]
        places = Places(self._names, whole, items=True)
        work = self._work(host, actor, request_id, self.declared.bulk or "", input, places)
        run = work.each_or_none if input["onError"] is OnError.SKIP else work.all_or_nothing
        done = await self._looked_up(run, host, actor, read)
        attributes = [each.attribute for each in self.payload.members]
        results = [answered(each, attributes) for each in done]
        return SimpleNamespace(results=results), work.added

    @cached_property
    def _place(self) -> Places:
        return Places(self._names, _PLACE)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """The fields of the input by what rules call them, those that plugins add as well."""
        return {**self.reads.names, **{name: name for name in self.extensions}}

    @cached_property
    def _dumps(self) -> Dump:
        return dumper(self.payload)

    @cached_property
    def _reads(self) -> tuple[Reader, Sequence[tuple[str, type, Reader]]]:
        """What reads an input that is plainly right, and what plugins add to it."""
        more = [(name, each.cls, reader(each)) for name, each in self.extensions.items()]
        return reader(self.reads), more

    def _plainly(self, input: Input, named: NamedIds) -> tuple[Any, Mapping[type, Any]]:
        """An input that is plainly right, and what plugins add to it; notes the ids in both.

        Raises:
            Odd: It is not.
        """
        read, more = self._reads
        made = read(input, named)
        extensions: dict[type, Any] = {}
        for name, cls, read in more:
            if input.get(name) is not None:
                extensions[cls] = read(input[name], named)
        return made, extensions

    async def _looked_up(
        self, run: Run, host: Host, actor: Actor, read: Sequence[Read]
    ) -> Sequence[Done]:
        """Runs with all ids looked up; where records have become others meanwhile, once more."""
        ids = {id_: spec for each in read for id_, spec in each.named.items()}
        meant = await lookups.meant(host, actor, ids)
        try:
            return await run([self._judged(each, meant) for each in read])
        except Failure as failure:
            # What was missing from the beginning has been answered for.
            if not _misses(failure) or any(each not in meant for each in ids):
                raise
            before, meant = meant, await lookups.meant(host, actor, ids)
            if meant == before:
                raise
        return await run([self._judged(each, meant) for each in read])

    def _judged(self, read: Read, meant: Mapping[str, str]) -> Asked:
        """A record with the ids that are meant, or with all of its faults."""
        if read.asked is not None and all(meant.get(each) == each for each in read.named):
            return read.asked
        become = {each: meant[each] for each in read.named if each in meant}
        asked, reading = self._exactly(read.index, read.value, read.path, become)
        unknown = [
            Problem(each.path, ErrorCode.NOT_FOUND, f"There is no {each.spec.name} {each.id}.")
            for each in reading.ids
            if each.id not in meant
        ]
        problems = [*reading.problems, *unknown]
        return replace(asked, failure=combined(problems)) if problems else asked

    def _read(self, index: int, value: Input, path: Path) -> Read:
        named: NamedIds = {}
        try:
            asked = Asked(index, *self._plainly(value, named))
        except Odd:
            _, reading = self._exactly(index, value, path, {})
            return Read(index, value, path, {each.id: each.spec for each in reading.ids}, None)
        return Read(index, value, path, named, asked)

    def _exactly(
        self, index: int, value: Input, path: Path, become: Mapping[str, str]
    ) -> tuple[Asked, Reading]:
        """A record read field by field, and all that this finds."""
        reading = Reading(become=become)
        made = self.reads.read(value, path, reading)
        extensions = {
            shape.cls: shape.read(value[name], (*path, name), reading)
            for name, shape in self.extensions.items()
            if value.get(name) is not None
        }
        return Asked(index, made, extensions), reading

    def _work(
        self,
        host: Host,
        actor: Actor,
        request_id: str | None,
        operation: str,
        input: Input,
        places: Places,
    ) -> Work:
        return Work(
            host,
            actor,
            self.plugin,
            operation,
            self.declared.answer,
            places,
            self.payload,
            self._dumps,
            key=_key(host, actor, operation, input),
            request_id=request_id,
        )


# -- ids --------------------------------------------------------------------------------------


async def _have_become(host: Host, actor: Actor, ids: NamedIds) -> bool:
    """Whether some of the records are others by now."""
    meant = await lookups.meant(host, actor, ids)
    return any(old != new for old, new in meant.items())


def _misses(failure: Failure) -> bool:
    """Whether a record that was there when it was looked for was not there any more."""
    codes = [failure.code, *[each.code for each in failure.problems]]
    return ErrorCode.NOT_FOUND in codes


# -- idempotency --------------------------------------------------------------------------------


def _key(host: Host, actor: Actor, operation: str, input: Input) -> IdempotencyKey | None:
    key = input.get("idempotencyKey")
    if key is None:
        return None
    fault = fault_of_text(key)
    if fault is None and not 0 < len(key) <= _LONGEST_KEY:
        fault = f"An idempotency key has 1 to {_LONGEST_KEY} characters."
    if fault is not None:
        raise Invalid(fault, field=("input", "idempotencyKey"))
    # Keyed, because a password can be in there, which somebody could find by trying.
    digest = host.signer.digest("idempotency", _told(input))
    return IdempotencyKey(f"{actor.id}:{operation}", key, digest)


def _told(input: Input) -> bytes:
    """Tells inputs apart, however their fields were ordered; the key is no part of it."""
    rest = {**input}
    rest.pop("idempotencyKey", None)
    try:
        return orjson.dumps(rest, option=orjson.OPT_SORT_KEYS, default=str)
    except TypeError:
        # Numbers and texts that no database holds: reading the input says where they are.
        return json.dumps(rest, sort_keys=True, default=_text).encode()


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name
    return value.isoformat() if isinstance(value, date) else str(value)

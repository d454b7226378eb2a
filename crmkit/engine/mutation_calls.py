"""How a client's call of a mutation runs: read the input, look up its ids, do the work."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from crmkit.engine import lookups
from crmkit.engine.bulk import Asked, Places, Work
from crmkit.engine.mutation_results import OnError, answered
from crmkit.engine.mutation_shapes import Reading, RecordShape, fault_of_text
from crmkit.engine.mutations import Declaration
from crmkit.store.premises import Unfounded
from crmkit.store.unit_of_work import IdempotencyKey
from crmkit.values.errors import ErrorCode, Invalid, Path, Problem, combined

if TYPE_CHECKING:
    from crmkit.host.actors import Actor
    from crmkit.host.host import Host

_LONGEST_KEY = 255

Input = Mapping[str, Any]


@dataclass(frozen=True)
class Applied:
    """What a mutation has done: its payload, and the records that it made."""

    payload: object
    added: Set[str]


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
        """Runs the mutation of one record."""
        asked, reading = self._read(0, input, ("input",))
        places = Places(self._names, ("input",))
        work = self._work(host, actor, request_id, self.single, input, places)
        premise = None if reading.problems else lookups.all_seen(host, actor, reading.ids)
        try:
            done = await work.all_or_nothing([asked], premise) if premise else None
        except Unfounded:
            done = None
        if done is None:
            done = await work.all_or_nothing(await _looked_up(host, actor, [(asked, reading)]))
        return Applied(done[0].payload, work.added)

    async def many(self, host: Host, actor: Actor, request_id: str | None, input: Input) -> Applied:
        """Runs the mutation of many records; its payload says what became of each."""
        whole = ("input", "items")
        read = [self._read(i, each, (*whole, i)) for i, each in enumerate(input["items"])]
        places = Places(self._names, whole, items=True)
        work = self._work(host, actor, request_id, self.declared.bulk or "", input, places)
        run = work.each_or_none if input["onError"] is OnError.SKIP else work.all_or_nothing
        done = await run(await _looked_up(host, actor, read))
        attributes = [each.attribute for each in self.payload.members]
        results = [answered(each, attributes) for each in done]
        return Applied(SimpleNamespace(results=results), work.added)

    @property
    def _names(self) -> Mapping[str, str]:
        """The fields of the input by what rules call them, those that plugins add as well."""
        return {**self.reads.names, **{name: name for name in self.extensions}}

    def _read(self, index: int, value: Input, path: Path) -> tuple[Asked, Reading]:
        reading = Reading()
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
            payload=self.payload,
            key=_key(host, actor, operation, input),
            request_id=request_id,
        )


# -- ids --------------------------------------------------------------------------------------


async def _looked_up(
    host: Host, actor: Actor, read: Sequence[tuple[Asked, Reading]]
) -> list[Asked]:
    """Resolves the ids of all records in one scoped read; each learns all of its faults."""
    ids = [each for _, reading in read for each in reading.ids]
    seen = await lookups.seen(host, actor, ids)
    return [_judged(asked, reading, seen) for asked, reading in read]


def _judged(asked: Asked, reading: Reading, seen: set[str]) -> Asked:
    unknown = [
        Problem(each.path, ErrorCode.NOT_FOUND, f"There is no {each.spec.name} {each.id}.")
        for each in reading.ids
        if each.id not in seen
    ]
    problems = [*reading.problems, *unknown]
    return replace(asked, failure=combined(problems)) if problems else asked


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
    rest = {name: value for name, value in input.items() if name != "idempotencyKey"}
    return json.dumps(rest, sort_keys=True, default=_text).encode()


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name
    return value.isoformat() if isinstance(value, date) else str(value)

"""Runs a mutation over its records: all or nothing, or without those that are refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog
from strawberry.utils.str_converters import to_camel_case

from crmkit.engine.mutation_shapes import RecordShape
from crmkit.engine.written_records import Dump
from crmkit.host.actors import Actor
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, DraftsRefused, Outcome, Refusal
from crmkit.host.host import Body, Host
from crmkit.store.unit_of_work import IdempotencyKey
from crmkit.values.errors import (
    FAILURES,
    ErrorCode,
    Failure,
    IdempotencyMismatch,
    Path,
    Problem,
    combined,
)

if TYPE_CHECKING:
    from crmkit.store.parts import Part

CHUNK = 1_000  # records that a service, and with it every hook, is given at once

# Faults of a record rather than of the world around it: the others may still go in.
_OF_RECORDS = frozenset(
    {
        ErrorCode.INVALID,
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
        ErrorCode.AMBIGUOUS,
        ErrorCode.REFUSED,
    }
)

log = structlog.get_logger("crmkit.engine")


@dataclass(slots=True, eq=False)
class Asked:
    """One record that is asked for; with a failure, it is already refused."""

    index: int
    input: Any
    extensions: Mapping[type, Any] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(slots=True, eq=False)
class Done:
    """What became of one record."""

    index: int
    outcome: Outcome
    payload: Any = None
    error: Failure | None = None


@dataclass(frozen=True)
class Places:
    """Where in the client's input a record stands, and what its fields are called there."""

    names: Mapping[str, str]
    whole: Path = ()
    items: bool = False

    def of(self, index: int) -> Path:
        """Where a record stands."""
        return (*self.whole, index) if self.items else self.whole

    def of_field(self, index: int, path: Path) -> Path:
        """The whole path of a field; of one that the input does not have, the record's."""
        own, *rest = path or ("",)
        name = self.names.get(own) if isinstance(own, str) else None
        below = [to_camel_case(part) if isinstance(part, str) else part for part in rest]
        return (*self.of(index), name, *below) if name else self.of(index)


@dataclass(slots=True, eq=False)
class Work:
    """One call of a mutation by a client."""

    host: Host
    actor: Actor
    plugin: str
    operation: str
    answer: Callable[[Context[Any], Sequence[Draft[Any, Any]]], Awaitable[Sequence[Any]]]
    places: Places
    payload: RecordShape
    dump: Dump
    key: IdempotencyKey | None = None
    request_id: str | None = None
    added: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The records that it has made; those of tries that came to nothing have ids of their own."""

    async def only(self, input: Any, extensions: Mapping[type, Any], premise: Part | None) -> Any:
        """Takes in one record, if the premise holds, and returns its payload.

        Raises:
            Failure: It cannot be taken in.
            Unfounded: The premise does not hold.
        """
        payload: Any = None
        answered: list[Any] = []

        async def body(context: Context[Any]) -> list[Any]:
            nonlocal payload
            draft = Draft(input, 0, extensions)
            [payload] = await self.answer(context, [draft])
            self.added = context.unit.write.added
            answered[:] = [self._row(draft, payload)]
            return answered

        try:
            rows = await self._run(body, self.key, premise)
        except Failure as error:
            raise self._explained(error, [Asked(0, input)]) from error.__cause__
        # What is told now and not stored, such as a new key, stands in the payload alone.
        return payload if rows is answered else self.payload.load(rows[0]["payload"])

    async def all_or_nothing(self, asked: Sequence[Asked]) -> list[Done]:
        """Takes in all records in one unit.

        Raises:
            Failure: At least one cannot be taken in; its problems say which and why.
        """
        refused = _together(asked)
        if refused is not None and self.key is None:
            raise refused
        try:
            return await self._unit(asked, refused)
        except Failure as error:
            if error is refused:  # Found by the framework, so it is no plugin's.
                refused.plugin = None
                raise
            raise self._explained(error, asked) from error.__cause__

    async def each_or_none(self, asked: Sequence[Asked]) -> list[Done]:
        """Takes in the records that nothing speaks against, in a unit for each chunk."""
        done: list[Done] = []
        waiting = list(chunks(asked))[::-1]
        while waiting:
            chunk = waiting.pop()
            try:
                made = await self._unit(chunk)
            except Exception as error:
                if again := self._again(chunk, error):
                    waiting += again
                    continue
                if all(each.outcome is Outcome.REJECTED for each in done):
                    if isinstance(error, Failure):
                        raise self._explained(error, chunk) from error.__cause__
                    raise
                made = self._rejected(chunk, error)
            done += made
            if len(made) < len(chunk):  # A repeat: what was stored covers a part.
                waiting.append(chunk[len(made) :])
        return done

    async def _unit(self, asked: Sequence[Asked], refused: Failure | None = None) -> list[Done]:
        good = [each for each in asked if each.failure is None]
        # What is told now and not stored, such as a new key, stands in the payloads alone.
        payloads: dict[int, Any] = {}
        answered: list[Any] = []

        async def body(context: Context[Any]) -> list[Any]:
            # A unit opens for what is refused, too: the key may know another answer.
            if refused is not None:
                raise refused
            rows = {}
            for chunk in chunks(good):
                drafts = [Draft(each.input, each.index, each.extensions) for each in chunk]
                for draft, payload in zip(drafts, await self.answer(context, drafts), strict=True):
                    rows[draft.index] = self._row(draft, payload)
                    payloads[draft.index] = payload
            self.added.update(context.unit.write.added)
            answered[:] = [rows.get(each.index) or _refused_row(each) for each in asked]
            return answered

        if not good and self.key is None:
            return [_rejection(each) for each in asked]
        rows = await self._run(body, self._key(asked[0].index) if asked else self.key)
        return [self._done(each, payloads if rows is answered else {}) for each in rows]

    def _run(
        self, body: Body, key: IdempotencyKey | None, premise: Part | None = None
    ) -> Awaitable[Any]:
        return self.host.run_unit(
            self.plugin,
            body,
            operation=self.operation,
            actor=self.actor,
            key=key,
            request_id=self.request_id,
            record=self._record,
            premise=premise,
        )

    def _key(self, first: int) -> IdempotencyKey | None:
        """Each chunk has its own row, found by where it begins, however far it reached."""
        if self.key is None or first == 0:
            return self.key
        return replace(self.key, scope=f"{self.key.scope}:{first}")

    def _again(self, chunk: Sequence[Asked], error: Exception) -> list[Sequence[Asked]]:
        """What to run instead of a chunk that was rolled back, last part first."""
        good = [each for each in chunk if each.failure is None]
        if isinstance(error, DraftsRefused):
            refused = self._refusals(error)
            if any(each.index in refused for each in good):
                return [[_with(each, refused.get(each.index)) for each in chunk]]
        if not isinstance(error, Failure) or error.code not in _OF_RECORDS or not good:
            return []
        if len(good) == 1:
            failure = self._explained(error, good)
            return [[_with(each, failure) if each is good[0] else each for each in chunk]]
        half = len(chunk) // 2
        return [chunk[half:], chunk[:half]]

    def _rejected(self, chunk: Sequence[Asked], error: Exception) -> list[Done]:
        """Records that failed after others went in: an error of the whole would deny those."""
        failure = error if isinstance(error, Failure) else None
        if failure is None:
            log.error("a chunk failed", operation=self.operation, exc_info=error)
            failure = Failure("Something went wrong here, not with your request.")
        return [_rejection(_with(each, each.failure or failure)) for each in chunk]

    # -- failures, said of the client's input -----------------------------------------------

    def _explained(self, failure: Failure, asked: Sequence[Asked]) -> Failure:
        if isinstance(failure, DraftsRefused):
            return _one([each for _, each in sorted(self._refusals(failure).items())])
        if isinstance(failure, IdempotencyMismatch):
            return failure.below(self.places.whole[:1])
        if failure.code in _OF_RECORDS and failure.plugin is None:
            # Found when the unit wrote: a reason begins with the plugin that said it.
            failure.plugin = (failure.reason or self.plugin).partition(".")[0]
        failure.problems = tuple(
            replace(each, field=self._path(each.field, asked)) for each in failure.problems
        )
        return failure

    def _path(self, path: Path, asked: Sequence[Asked]) -> Path:
        return self.places.of_field(asked[0].index, path) if len(asked) == 1 else self.places.whole

    def _refusals(self, error: DraftsRefused) -> dict[int, Failure]:
        """What speaks against each record, as one failure."""
        found: dict[int, list[Refusal]] = {}
        for each in error.refusals:
            found.setdefault(each.draft.index, []).append(each)
        return {index: self._refusal(index, each) for index, each in found.items()}

    def _refusal(self, index: int, refusals: Sequence[Refusal]) -> Failure:
        problems = [
            replace(each.problem, field=self.places.of_field(index, each.problem.field))
            for each in refusals
        ]
        failure = combined(problems)
        failure.reason, failure.plugin = refusals[0].reason, refusals[0].plugin
        return failure

    # -- what is stored with the effect ------------------------------------------------------

    def _row(self, draft: Draft[Any, Any], payload: Any) -> dict[str, Any]:
        outcome = draft.outcome._name_  # As `name`, which takes two calls.
        return {"index": draft.index, "outcome": outcome, "payload": self.dump(payload)}

    def _done(self, row: Mapping[str, Any], payloads: Mapping[int, Any]) -> Done:
        outcome = Outcome[row["outcome"]]
        if outcome is Outcome.REJECTED:
            return Done(row["index"], outcome, error=_rebuilt(row["error"]))
        payload = payloads.get(row["index"])
        return Done(row["index"], outcome, payload or self.payload.load(row["payload"]))

    def _record(self, rows: Sequence[Mapping[str, Any]]) -> str | None:
        """What the audit says the unit was about: the first record of an only payload."""
        node = self.payload.node
        if node is None or len(rows) != 1 or "payload" not in rows[0]:
            return None
        named: str = rows[0]["payload"][node]
        return named


def chunks(asked: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cuts records into what a service is given at once."""
    return (asked[first : first + CHUNK] for first in range(0, len(asked), CHUNK))


def _together(asked: Sequence[Asked]) -> Failure | None:
    """All that was found before the unit, as one failure."""
    failures = [each.failure for each in asked if each.failure is not None]
    return _one(failures) if failures else None


def _one(failures: Sequence[Failure]) -> Failure:
    if len(failures) == 1:
        return failures[0]
    made = combined([problem for each in failures for problem in each.problems])
    made.reason, made.plugin = failures[0].reason, failures[0].plugin
    return made


def _with(asked: Asked, failure: Failure | None) -> Asked:
    return asked if failure is None else replace(asked, failure=failure)


def _rejection(asked: Asked) -> Done:
    return Done(asked.index, Outcome.REJECTED, error=asked.failure)


def _refused_row(asked: Asked) -> dict[str, Any]:
    failure = asked.failure
    assert failure is not None  # noqa: S101  the service answered for all the others
    problems = [vars(each) | {"params": dict(each.params)} for each in failure.problems]
    error = {
        "code": failure.code,
        "message": failure.message,
        "reason": failure.reason,
        "plugin": failure.plugin,
        "problems": problems,
    }
    return {"index": asked.index, "outcome": Outcome.REJECTED.name, "error": error}


def _rebuilt(stored: Mapping[str, Any]) -> Failure:
    problems = [
        Problem(tuple(each["field"]), ErrorCode(each["code"]), each["message"], each["params"])
        for each in stored["problems"]
    ]
    kind = FAILURES[ErrorCode(stored["code"])]
    failure = kind(stored["message"], reason=stored["reason"], problems=problems)
    failure.plugin = stored["plugin"]
    return failure

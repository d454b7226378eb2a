"""Runs a plan: step by step, one statement for each level whatever the number of rows."""

from __future__ import annotations

import time
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from crmkit.engine.builder import Answers, Bubble
from crmkit.engine.calls import called, together
from crmkit.engine.generated import generated
from crmkit.engine.late import told
from crmkit.engine.steps import FIRST, KEYS, Step, parents_of
from crmkit.engine.told import Told, Written
from crmkit.store.tally import tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from sqlalchemy import Select

    from crmkit.engine.generated import Build
    from crmkit.engine.late import Request
    from crmkit.engine.plan import Plan
    from crmkit.engine.steps import Batched, Below, Level
    from crmkit.store.reach import Deferred
    from crmkit.store.statements import Template


log = structlog.get_logger("crmkit.engine")

_PARENT = itemgetter(0)

WORTHWHILE = 2
"""The run at which a plan gets a builder of its own: many plans run but once."""

MANY = 50
"""Rows of an answer that take longer to be built exactly than it takes to write a builder."""


class Reader(Protocol):
    """Reads rows as far as the actor reaches."""

    def template(self, statement: Select[Any]) -> Template: ...

    def rows(self, sql: str, arguments: Sequence[Any]) -> Awaitable[Sequence[Sequence[Any]]]: ...

    def found(
        self, made: Template, keys: Sequence[str], told: Callable[[Deferred], Any]
    ) -> Awaitable[Sequence[Sequence[Any]]]:
        """The one row of each key, if there is one."""


def told_at_once(plan: Plan, request: Request) -> dict[str, Any] | None:
    """The finished values of a payload that selects only what its own operation has written.

    Most payloads do. Nothing where one does not, or is not as it should be: its plan is to be run.
    """
    if plan.build is None or plan.tells is None or not request.added:
        return None
    rows: Any = {step: Written(each, request.added) for step, each in plan.tells.items()}
    try:
        return plan.build(Answers(request, rows))
    except Exception:  # noqa: BLE001  whatever it was, running the plan says it
        return None


class Executor:
    """Runs plans for one request."""

    def __init__(self, engine: str, reader: Reader, context_of: Callable[[str], Any]) -> None:
        self.engine = engine
        self.reader = reader
        self.context_of = context_of

    async def run(self, plan: Plan, answers: Answers) -> dict[str, Any] | None:
        """The finished value of each slot; None where a non-null root field failed."""
        request = answers.request
        await self._work(plan.below, plan.calls, [request], answers)
        plan.runs += 1
        if not plan.is_written and (plan.runs >= WORTHWHILE or _number(answers) > MANY):
            plan.is_written = True
            plan.build = self._builder(plan)
            plan.tells = _tells(plan, request)
        if plan.build is not None:
            try:
                return plan.build(answers)
            except Exception as error:  # noqa: BLE001  what it was is said below, where it belongs
                log.debug("built exactly", cause=repr(error))
        try:
            return {slot.key: slot.complete(answers, request, ()) for slot in plan.slots}
        except Bubble:
            return None

    def _work(
        self,
        below: Sequence[Below],
        calls: Sequence[Batched],
        rows: Sequence[Any],
        answers: Answers,
    ) -> Awaitable[None]:
        """Runs the steps and the functions that hang below these rows, and what hangs below those.

        None waits for another, nor holds a connection while anything below it is read.
        """
        asked = [(each.step, each.asked(rows)) for each in below]
        work = [self._call(each, rows, answers) for each in calls]
        for step, keys in asked:
            if keys or step.key is None:
                work.append(self._level(step, keys, answers))
                if step.count is not None:
                    work.append(self._count(step, answers))
        return together(work)

    async def _level(self, step: Level, keys: Sequence[Any], answers: Answers) -> None:
        rows = self._told(step, keys, answers.request)
        if rows is None:
            rows = await self._brought(step, keys, answers.request)
        groups = answers.rows[step] = self._groups(step, keys, rows)
        if isinstance(step, Step) and step.aliases and len(groups) < len(keys):
            rows = [*rows, *await self._followed(step, keys, groups, answers.request)]
        if rows and (step.below or step.batches):
            await self._work(step.below, step.batches, rows, answers)

    def _groups(
        self, step: Level, keys: Sequence[Any], rows: Sequence[Sequence[Any]]
    ) -> dict[Any, Sequence[Sequence[Any]]]:
        """The rows by the keys of their parents."""
        if step.key is None:
            return {None: rows}
        if isinstance(step, Step) and step.has_pages:
            first, pages = FIRST[self.engine], groupby(rows, _PARENT)
            return {keys[number - first]: list(page) for number, page in pages}
        return _grouped(rows)

    def _brought(
        self, step: Level, keys: Sequence[Any], request: Request
    ) -> Awaitable[Sequence[Sequence[Any]]]:
        made = self._compiled(step)
        if isinstance(step, Step) and step.finds_one:
            return self.reader.found(made, keys, request.told)
        return self._read(made, keys, request)

    def _told(
        self, step: Level, keys: Sequence[Any], request: Request
    ) -> Sequence[Sequence[Any]] | None:
        """The rows, if all that is asked is what this very operation has written of them."""
        if not (request.added and isinstance(step, Step)):
            return None
        self._compiled(step)
        return _told_of(step).rows(keys, request.added, request.reach)

    async def _followed(
        self, step: Step, keys: Sequence[Any], groups: dict[Any, Any], request: Request
    ) -> Sequence[Sequence[Any]]:
        """The rows that keys have become which are there no more; only who misses one asks."""
        assert step.aliases is not None  # noqa: S101  the caller has looked
        if step.alias_template is None:
            parents = parents_of(self.engine)
            statement = step.aliases.beside(parents, parents.c.value)
            step.alias_template = self.reader.template(statement)
        gone = [each for each in keys if each not in groups]
        found = await self._read(step.alias_template, gone, request)
        become: dict[str, str] = {row[0]: row[1] for row in found}
        fresh = [each for each in _unique(become.values()) if each not in groups]
        rows = await self._read(self._compiled(step), fresh, request) if fresh else ()
        groups.update(_grouped(rows))
        groups.update({old: groups[new] for old, new in become.items() if new in groups})
        return rows

    async def _count(self, step: Level, answers: Answers) -> None:
        assert step.count is not None  # noqa: S101  the caller has looked
        if step.count_template is None:
            step.count_template = self.reader.template(step.count)
        counted = await self._read(step.count_template, (), answers.request)
        answers.counts[step] = step.count_template.rows(counted)[0][0]

    def _read(
        self, template: Template, keys: Sequence[Any], request: Request
    ) -> Awaitable[Sequence[Sequence[Any]]]:
        """The rows as the driver hands them out; keys are text, which no type changes."""

        def known(deferred: Deferred) -> Any:
            return keys if deferred is KEYS else request.told(deferred)

        return self.reader.rows(template.sql, template.arguments(known))

    def _compiled(self, step: Level) -> Template:
        if step.template is None:
            step.template = self.reader.template(step.statement(self.engine))
        return step.template

    def _builder(self, plan: Plan) -> Build | None:
        for step in plan.steps():
            self._compiled(step)
        return generated(plan)

    async def _call(self, batch: Batched, rows: Sequence[Any], answers: Answers) -> None:
        """Calls a function of Python, and brings what hangs below what it says."""
        keys = _unique(batch.key(row) for row in rows)
        arguments = told(batch.arguments, answers.request)
        began = time.perf_counter()
        said = answers.batches[batch] = await called(
            batch, self.context_of(batch.plugin), keys, arguments
        )
        tell(batch.plugin, batch.function.__name__, began)
        if not isinstance(said, Exception):
            below = [each for each in said.values() if not isinstance(each, Exception)]
            await self._work(batch.below, (), below, answers)


def _tells(plan: Plan, request: Request) -> dict[Level, Told] | None:
    """How all steps follow from what is written, for all who share this plan: they reach alike."""
    if plan.calls or request.payload is None:
        return None
    found: dict[Level, Told] = {}
    for step in plan.steps():
        if not isinstance(step, Step) or step.batches or not _told_of(step).holds(request.reach):
            return None
        found[step] = _told_of(step)
    return found


def _told_of(step: Step) -> Told:
    """How the rows of a step that is compiled follow from what was written."""
    if step.told is None:
        assert step.template is not None  # noqa: S101  the caller has looked
        step.told = Told.of(step, step.template.dialect)
    return step.told


def _number(answers: Answers) -> int:
    """How many rows there are to build of."""
    return sum(len(rows) for groups in answers.rows.values() for rows in groups.values())


def _unique(keys: Iterable[Any]) -> list[Any]:
    return [key for key in dict.fromkeys(keys) if key is not None]


def _grouped(rows: Sequence[Sequence[Any]]) -> dict[Any, Sequence[Sequence[Any]]]:
    """Rows by the parent that they begin with, in the order that they came."""
    groups: dict[Any, Any] = {}
    found = groups.get
    for row in rows:
        key = row[0]
        if (group := found(key)) is None:
            groups[key] = [row]
        else:
            group.append(row)
    return groups

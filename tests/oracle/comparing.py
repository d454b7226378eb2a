"""Asks both engines and the oracle, and says where they differ."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from graphql import DocumentNode, ExecutionResult, parse

from crmkit.graph.endpoint import GraphQL
from crmkit.host.actors import Actor
from crmkit.testing import Trial
from tests.oracle.company import Company, tables_of
from tests.oracle.deeds import Deed, same_ids
from tests.oracle.executor import Oracle, failures, schema_of
from tests.oracle.meaning import Meaning
from tests.oracle.operations import Operation
from tests.oracle.pages import Mark
from tests.oracle.reducing import reduced
from tests.oracle.twins import Twin
from tests.oracle.values import Values
from tests.oracle.world import World

Place = tuple[str | int, ...]

_KEPT = 20


@dataclass
class Trio:
    """The oracle and the two engines, over one company."""

    runner: asyncio.Runner
    company: Company
    oracle: Oracle
    values: Values
    counts: Counter[str] = field(default_factory=Counter)
    """How many operations were asked, found records, and asked for what is special."""

    @classmethod
    def open(
        cls, runner: asyncio.Runner, company: Company, twins: Mapping[tuple[str, str], Twin]
    ) -> Trio:
        runner.run(company.found())
        for each in company.trials.values():
            # No operation comes again, so what is kept only has to be looked through as garbage.
            each.plans.most = _KEPT
        t = company.trials["sqlite"]
        world = runner.run(World.of(t, tables_of(t)))
        meaning = Meaning(t, schema_of(t.crm.schema.sdl()), world, twins)
        return cls(runner, company, Oracle(meaning), Values(meaning, world.hidden))

    def close(self) -> None:
        self.runner.run(self.company.close())

    def check(self, operation: Operation, pick: int = 0) -> None:
        """Asks the first page, and then the pages of cursors that it gave.

        Raises:
            AssertionError: An engine says something else than the oracle.
        """
        document = parse(operation.document)
        for variables in operation.variables:
            data = self.same(operation.document, document, variables)
            given = {each: _cursors(data, each) for each in operation.cursors}
            chosen = {name: found[pick % len(found)] for name, found in given.items() if found}
            if chosen:
                self.same(operation.document, document, {**variables, **chosen})
                self.counts["special"] += not self.oracle.meaning.contributed

    async def check_at_once(self, asked: Sequence[tuple[str, Mapping[str, Any], Actor]]) -> None:
        """Asks all of this one by one, and then all of it at once.

        Raises:
            AssertionError: An engine says something else when others ask as well.
        """
        for engine, t in self.company.trials.items():
            endpoint = GraphQL(t.crm.schema, t.host)

            async def answer(
                text: str, variables: Mapping[str, Any], actor: Actor, to: GraphQL = endpoint
            ) -> str:
                told = _told(await to.execute(text, variables=variables, actor=actor))
                return repr(told)

            with t.statements() as one_by_one:
                alone = [await answer(*each) for each in asked]
            with t.statements() as at_once:
                together = await asyncio.gather(*[answer(*each) for each in asked])
            for each, one, other in zip(asked, alone, together, strict=True):
                assert one == other, f"{engine}\n{each[:2]}\n{one}\nand at once\n{other}"
            self.counts["alone"] += len(one_by_one)
            self.counts["at once"] += len(at_once)

    def smaller(self, operation: Operation, pick: int) -> str:
        """A smaller document that is answered wrongly, too."""

        def fails(document: str) -> bool:
            try:
                self.check(replace(operation, document=document), pick)
            except AssertionError:
                return True
            return False

        return reduced(operation.document, self.oracle.meaning.schema, fails)

    def same(self, text: str, document: DocumentNode, variables: Mapping[str, Any]) -> Any:
        """What all three answer."""
        result = self._result(document, variables)
        answer: dict[str, Any] = {}
        for engine, t in self.company.trials.items():
            told = f"{engine}\n{text}\n{variables}"
            answer = self._twice(t, text, variables, told)
            self._compare(told, result, answer)
        return answer["data"]

    def do(self, deed: Deed, operation: Operation, random: Random) -> None:
        """Does something on both engines; the oracle knows what it has made by its id alone.

        Raises:
            AssertionError: A payload says something else than the oracle.
        """
        document = parse(operation.document)
        given = deed.given(random, self.oracle.meaning.world)
        for more in operation.variables:
            variables = {**more, "input": given}
            answers = self._done(operation.document, variables)
            self.runner.run(self._look())
            made = answers["sqlite"].get("data", {}).get(deed.mutation)
            assert made, f"{operation.document}\n{variables}\n{answers['sqlite']}"
            self.oracle.payload = dict.fromkeys(
                (deed.record, "its"), self.oracle.meaning.any(made["its"]["id"])
            )
            result = self._result(document, variables)
            for engine, answer in answers.items():
                self._compare(f"{engine}\n{operation.document}\n{variables}", result, answer)
            given = deed.given(random, self.oracle.meaning.world)

    def _done(self, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        answers = {}
        with same_ids() as again:
            for engine, t in self.company.trials.items():
                again()
                answers[engine] = _told(self.runner.run(t.answer(text, variables)))
        return answers

    async def _look(self) -> None:
        t = self.company.trials["sqlite"]
        self.oracle.meaning.world = await World.of(t, tables_of(t))

    def _result(self, document: DocumentNode, variables: Mapping[str, Any]) -> ExecutionResult:
        result = self.oracle.answer(document, variables)
        self.counts["asked"] += 1
        self.counts["failed"] += bool(result.errors)
        self.counts["found"] += bool(self.oracle.records)
        self.counts["special"] += bool(self.oracle.meaning.contributed)
        return result

    def _compare(self, told: str, result: ExecutionResult, answer: Mapping[str, Any]) -> None:
        wanted = failures(result)
        assert answer["errors"] == wanted, f"{told}\nfails {answer['errors']} instead of {wanted}"
        difference = next(self._differences(result.data, answer["data"], ()), None)
        assert difference is None, f"{told}\n{difference}"

    def _twice(self, t: Trial, text: str, variables: Mapping[str, Any], told: str) -> Any:
        """What an engine says twice: the first time exactly, then by what it generated."""
        one, other = (_told(self.runner.run(t.answer(text, variables))) for _ in range(2))
        assert repr(one) == repr(other), f"{told}\n{one}\nand then\n{other}"
        return one

    def _differences(self, wanted: Any, found: Any, place: Place) -> Iterator[str]:
        if isinstance(wanted, Mark):
            if not self.oracle.meaning.marks.agree(wanted, found):
                yield f"{place}: {found!r} is no cursor of {wanted.row.id} in {wanted.order}"
        elif isinstance(wanted, dict) and isinstance(found, dict) and list(wanted) == list(found):
            for key, value in wanted.items():
                yield from self._differences(value, found[key], (*place, key))
        elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
            for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
                yield from self._differences(one, other, (*place, index))
        elif type(wanted) is not type(found) or wanted != found:
            yield f"{place}: {found!r} instead of {wanted!r}"


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with its errors as a set of (path, code)."""
    errors = {
        (tuple(each.get("path", ())), each["extensions"]["code"])
        for each in answer.get("errors", ())
    }
    return {**answer, "errors": errors}


def _cursors(data: Any, name: str) -> list[str]:
    """The cursors that stand under this name, wherever."""
    if isinstance(data, list):
        return [found for each in data for found in _cursors(each, name)]
    if not isinstance(data, dict):
        return []
    own = [each for each in (data.get(name) or {}).values() if each] if name in data else []
    return own + [found for each in data.values() for found in _cursors(each, name)]

"""Every query of a test is answered in three ways, which must be alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from crmkit.engine import executor
from crmkit.engine.generated import generated
from crmkit.graph.endpoint import GraphQL
from crmkit.testing import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit.engine.builder import Answers
    from crmkit.engine.generated import Build
    from crmkit.engine.plan import Plan


@pytest.fixture(autouse=True)
def each_query_is_answered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a new plan, by its generated builder, and by a plan of its own that is not kept."""
    answer = Trial.answer
    bailed: list[Exception] = []

    def watched(plan: Plan) -> Build:
        build = generated(plan)
        assert build is not None, "This plan has no builder of its own."

        def watching(answers: Answers) -> dict[str, Any]:
            try:
                return build(answers)
            except Exception as error:
                bailed.append(error)
                raise

        return watching

    monkeypatch.setattr(executor, "generated", watched)

    async def thrice(
        self: Trial, document: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        first = await answer(self, document, variables)
        bailed.clear()
        # A test that counts statements counts those of one answer.
        if "mutation" in document or self.host.database.watchers:
            return first
        alone = GraphQL(self.crm.schema, self.crm.host, keep_plans=False)
        again = [
            await answer(self, document, variables),
            await alone.execute(document, variables=variables, actor=self.actor),
        ]
        for each in again:
            assert comparable(each) == comparable(first)
        if bailed and "errors" not in first:
            raise AssertionError("The generated builder gave up without need.") from bailed[0]
        return first

    monkeypatch.setattr(Trial, "answer", thrice)


def comparable(answer: Mapping[str, Any]) -> Any:
    """An answer as text, because 1 equals true, without what differs from request to request."""
    decoded = orjson.loads(orjson.dumps(answer, default=str))
    for error in decoded.get("errors", ()):
        error["extensions"].pop("correlationId", None)
    return orjson.dumps(decoded, option=orjson.OPT_INDENT_2).decode()

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from crmkit.graph.endpoint import GraphQL
from crmkit.testing import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture(autouse=True)
def _each_query_is_answered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a new plan, by the same plan again, and by one of its own that nothing is kept of."""
    answer = Trial.answer

    async def thrice(
        self: Trial, document: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        first = await answer(self, document, variables)
        # A test that counts statements counts those of one answer.
        if "mutation" in document or self.host.database.watchers:
            return first
        alone = GraphQL(self.crm.schema, self.crm.host, keep_plans=False)
        again = [
            await answer(self, document, variables),
            await alone.execute(document, variables=variables),
        ]
        for each in again:
            assert comparable(each) == comparable(first)
        return first

    monkeypatch.setattr(Trial, "answer", thrice)


def comparable(answer: Mapping[str, Any]) -> Any:
    """An answer as text, because 1 equals true, without what differs from request to request."""
    decoded = orjson.loads(orjson.dumps(answer, default=str))
    for error in decoded.get("errors", ()):
        error["extensions"].pop("correlationId", None)
    return orjson.dumps(decoded, option=orjson.OPT_INDENT_2).decode()

from __future__ import annotations

from typing import Any

import pytest

from crmkit.app import load_plugins
from crmkit.settings import Settings
from crmkit.values.errors import SetupError
from crmkit_grading.plugin import Grading

FIT: dict[str, Any] = {"group": "fit", "points": 1}
LIVELY: dict[str, Any] = {"group": "engagement", "events": ["interaction"], "points": 1}
DECLARED = {"field": "source", "operator": "eq", "value": "fair"}
NESTED = "[1].all(a, [1].all(b, [1].all(c, c == 1)))"

WRONG: list[tuple[dict[str, Any], str]] = [
    ({**FIT, "when": "customer.source =="}, "its expression is no CEL"),
    ({**FIT, "when": "customer.sauce == null"}, "customer.sauce, which there is not (did you mean"),
    ({**FIT, "when": 'event.kind == "call"'}, "a fit rule has no event"),
    ({**FIT, "when": "customer.source"}, "let it say yes or no"),
    ({**FIT, "when": "customer.has_phone || shout(customer.name)"}, "its expression calls shout"),
    ({**FIT, "when": "nobody == 1"}, "its expression cannot be answered"),
    ({**FIT, "when": "true" + " || true" * 100}, "write at most 500"),
    ({**FIT, "when": NESTED}, "3 comprehensions within each other; write at most 2"),
    ({**FIT, "when": "true", **DECLARED}, "an expression and a field"),
    (FIT, "say field, operator and value"),
    ({**FIT, "field": "source"}, "say field, operator and value"),
    ({**FIT, **DECLARED, "field": "sauce"}, "looks at sauce, which there is not (did you mean"),
    ({**FIT, **DECLARED, "operator": "gt"}, "gt is for numbers and moments"),
    ({**FIT, **DECLARED, "operator": "in"}, "in wants a list of values"),
    ({**FIT, **DECLARED, "value": 3}, "3 is no text"),
    ({**FIT, **DECLARED, "operator": "like"}, "rules.it.operator"),
    ({**FIT, **DECLARED, "field": "has_phone", "operator": "contains"}, "contains is for texts"),
    (
        {**FIT, "field": "created_at", "operator": "lt", "value": "2026-01-01T00:00:00"},
        "moment with its time zone",
    ),
    ({**FIT, **DECLARED, "points": 0}, "it gives no points"),
    ({**FIT, **DECLARED, "disqualifies": True}, "leave out points"),
    ({**FIT, **DECLARED, "events": ["order"]}, "a rule of fit counts no events"),
    ({**FIT, **DECLARED, "half_life_days": 3}, "fit does not fade; leave out half_life_days"),
    ({"group": "engagement", "points": 1}, "say which in events"),
    ({**LIVELY, "events": ["dance"]}, "rules.it.events"),
    ({**LIVELY, "events": ["interaction", "order"], **DECLARED}, "looks at source"),
    ({**LIVELY, "half_life_days": 3, "steps": [{"after_days": 1, "percent": 5}]}, "leave out one"),
    ({**LIVELY, "steps": [{"after_days": 2, "percent": 5}] * 2}, "put them in order"),
    ({**LIVELY, "points": 0, "disqualifies": True, "cap": 3}, "it only takes a window"),
    ({**LIVELY, "points": 1_000_001}, "rules.it.points"),
    ({**LIVELY, "colour": "red"}, "rules.it.colour"),
]


@pytest.mark.parametrize(("rule", "sentence"), WRONG, ids=[each[1] for each in WRONG])
def test_a_wrong_rule_stops_the_start_and_says_which_and_why(
    rule: dict[str, Any], sentence: str
) -> None:
    settings = {
        "profile": "production",
        "secret": "s" * 40,
        "plugins": {"grading": {"rules": {"it": rule}}},
    }
    with pytest.raises(SetupError) as stopped:
        load_plugins(Settings.model_validate(settings), [Grading])
    message = str(stopped.value)
    assert message.startswith("[plugins.grading] rules.it")
    assert sentence in message
    assert message.endswith("; correct it.")


def test_limits_are_in_order() -> None:
    settings = {
        "profile": "production",
        "secret": "s" * 40,
        "plugins": {"grading": {"fit": {"min": 3, "max": 2}}},
    }
    with pytest.raises(SetupError, match="the least comes first"):
        load_plugins(Settings.model_validate(settings), [Grading])

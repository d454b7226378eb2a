"""What grading contributes to the demo company: the rules by which a roastery grades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Mapping


def _fit(points: int, field: str, value: Any) -> dict[str, Any]:
    return {"group": "fit", "points": points, "field": field, "operator": "eq", "value": value}


def _engagement(event: str, points: int, cap: int, half_life_days: int) -> dict[str, Any]:
    fading = {"cap": cap, "half_life_days": half_life_days}
    return {"group": "engagement", "events": [event], "points": points, **fading}


class GradingDemo(sdk.DemoPart):
    """Scores come by themselves, and fade; all that they take is rules."""

    options: ClassVar[Mapping[str, Any]] = {
        "rules": {
            "is_a_company": _fit(15, "kind", "organisation"),
            "can_be_called": _fit(5, "has_phone", True),
            "buys": _engagement("order", points=25, cap=60, half_life_days=60),
            "talks_to_us": _engagement("interaction", points=5, cap=20, half_life_days=30),
        }
    }

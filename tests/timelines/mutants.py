"""Rules of timelines, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "crmkit/engine/timelines.py": (
        Broken(
            "a chain ends where the actor may not read",
            "            if isinstance(each.source, f.Cause) and self.registry.spec(cls).read not in refused",
            "            if isinstance(each.source, f.Cause)",
        ),
    ),
}

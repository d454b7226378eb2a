"""Rules of tags, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "crmkit/tags/service.py": (
        Broken(
            "a retired tag is pinned to nobody new",
            "        if tag.is_retired:",
            "        if False:",
        ),
        Broken(
            "a tag is pinned once",
            "        if tag is None or tag.id in own:",
            "        if tag is None:",
        ),
        Broken(
            "a customer has so many tags",
            "    if len(own) > models.MOST:",
            "    if False:",
        ),
    ),
}

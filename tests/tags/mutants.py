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
            "test_tags.py::test_a_retired_tag_stays_with_those_who_have_it_and_goes_to_nobody_else",
        ),
        Broken(
            "a tag is pinned once",
            "        if tag is None or tag.id in own:",
            "        if tag is None:",
            "test_tags.py::test_pinning_twice_changes_nothing",
        ),
        Broken(
            "a customer has so many tags",
            "    if len(own) > models.MOST:",
            "    if False:",
            "test_tags.py::test_a_customer_has_no_more_tags_than_are_shown",
        ),
    ),
}

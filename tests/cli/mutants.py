"""Rules of fields of companies, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "crmkit/host/field_tables.py": (
        Broken(
            "a change of type that loses values is refused",
            "        if sentences := _blocked(steps):",
            "        if sentences := ():",
            "test_fields.py",
        ),
    ),
}

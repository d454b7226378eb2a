"""Bugs that an engine could have, each of which the oracle has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "crmkit/store/reach.py": (
        Broken(
            "who is deleted is gone",
            "            yield rows.c[scope.deleted].is_(None)",
            "            pass",
        ),
        Broken(
            "what somebody had goes with them",
            "            seen = self._followed(rows.c[key], target_of(table, key))",
            "            seen = None",
        ),
    ),
    "crmkit/engine/pagination.py": (
        Broken(
            "a cursor goes on in the direction of its order",
            "    down = key.descending != backwards",
            "    down = key.descending == backwards",
        ),
        Broken(
            "the last ones are asked for from the end",
            "        down = key.descending != backwards",
            "        down = key.descending",
        ),
        Broken(
            "what has no value follows a cursor, too",
            "    return or_(further, key.element.is_(None)) if key.nullable else further",
            "    return further",
        ),
        Broken(
            "texts sort by their sort keys",
            "    return rows.c[names[1] if names else column.name]",
            "    return rows.c[column.name]",
        ),
        Broken(
            "a missing row beside sorts as null",
            "    nullable = column.nullable or isinstance(field.type, StrawberryOptional)",
            "    nullable = column.nullable",
        ),
    ),
    "crmkit/engine/lists.py": (
        Broken(
            "one row more than the page tells whether there is more",
            "        step.limit = page.size + 1",
            "        step.limit = page.size",
        ),
        Broken(
            "a total counts what the filter lets through",
            "        counted = select(func.count()).where(condition).select_from(beside(other.table, other))",
            "        counted = select(func.count()).select_from(beside(other.table, other))",
        ),
        Broken(
            "a cursor holds the value of each key",
            "            lambda: [step.written(key.element) for key in keys],",
            "            lambda: [step.written(other.id) for key in keys],",
        ),
    ),
    "crmkit/engine/filters.py": (
        Broken(
            "what has no value is not equal",
            '    "ne": lambda element, value: not_(_equal(element, value)),',
            '    "ne": lambda element, value: element != value,',
        ),
        Broken(
            "a searched text is folded",
            "                given = mapped(value, fold)",
            "                given = value",
        ),
        Broken(
            "amounts compare within one currency",
            '        return tests if rest.get("isNull") else and_(_known(minor, same), tests)',
            "        return tests",
        ),
        Broken(
            "every means none that does not",
            '            held = not_(held) if how == "every" else held',
            "            held = and_(held)",
        ),
        Broken(
            "both ends are between",
            '    "between": lambda element, pair: _known(element, element.between(*pair)),',
            '    "between": lambda element, pair: and_(element >= pair[0], element < pair[1]),',
        ),
    ),
    "crmkit/engine/selection.py": (
        Broken(
            "what is skipped is not there",
            "        return not (skip and _if(skip)) and (include is None or _if(include))",
            "        return include is None or _if(include)",
        ),
    ),
    "crmkit/engine/timelines.py": (
        Broken(
            "a timeline holds the kinds that are asked for",
            "            if (names is None or name in names) and kind.spec.read not in refused",
            "            if kind.spec.read not in refused",
        ),
    ),
}

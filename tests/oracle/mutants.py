"""Bugs that an engine could have, each of which the oracle has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

_ASKED = "test_oracle.py::test_both_engines_answer_as_the_oracle_does"
_FOUND = "test_oracle.py::test_what_was_wrong_once_is_right"
_FILTERS = "test_oracle.py::test_every_type_of_filters_is_asked_in_every_way"
_ZOO = "test_oracle.py::test_what_fails_and_what_no_schema_allows_is_told_as_graphql_says"
_REACH = "test_oracle.py::test_each_actor_is_told_of_what_he_reaches"

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "crmkit/store/reach.py": (
        Broken(
            "nobody sees what his row scope leaves out",
            "        for narrow in self.narrow:",
            "        for narrow in ():",
            _REACH,
        ),
        Broken(
            "who is deleted is gone",
            "            yield rows.c[scope.deleted].is_(None)",
            "            pass",
            _ASKED,
        ),
        Broken(
            "what somebody had goes with them",
            "            seen = self._followed(rows.c[key], owner, extent)",
            "            seen = None",
            _ASKED,
        ),
    ),
    "crmkit/engine/pagination.py": (
        Broken(
            "a cursor goes on in the direction of its order",
            "    down = key.descending != backwards",
            "    down = key.descending == backwards",
            _ASKED,
        ),
        Broken(
            "the last ones are asked for from the end",
            "        down = key.descending != backwards",
            "        down = key.descending",
            _ASKED,
        ),
        Broken(
            "what has no value follows a cursor, too",
            "    return or_(further, key.element.is_(None)) if key.nullable else further",
            "    return further",
            _ASKED,
        ),
        Broken(
            "texts sort by their sort keys",
            "    return rows.c[names[1] if names else column.name]",
            "    return rows.c[column.name]",
            _ASKED,
        ),
        Broken(
            "a missing row beside sorts as null",
            "    nullable = column.nullable or isinstance(field.type, StrawberryOptional)",
            "    nullable = column.nullable",
            _FOUND,
        ),
    ),
    "crmkit/engine/lists.py": (
        Broken(
            "before what follows a cursor there is something",
            "        return Always(given is not None)",
            "        return Always(False)",
            _ASKED,
        ),
        Broken(
            "one row more than the page tells whether there is more",
            "        step.limit = page.size + 1 if made.looked_ahead else page.size",
            "        step.limit = page.size",
            _ASKED,
        ),
        Broken(
            "a total counts what the filter lets through",
            "        counted = select(func.count()).where(condition).select_from(beside(other.table, other))",
            "        counted = select(func.count()).select_from(beside(other.table, other))",
            _ASKED,
        ),
        Broken(
            "a cursor holds the value of each key",
            "            lambda: [step.written(key.element) for key in keys],",
            "            lambda: [step.written(other.id) for key in keys],",
            _ASKED,
        ),
    ),
    "crmkit/engine/filters.py": (
        Broken(
            "what has no value is not equal",
            '    "ne": lambda element, value: not_(_equal(element, value)),',
            '    "ne": lambda element, value: element != value,',
            _ASKED,
        ),
        Broken(
            "a searched text is folded",
            "                given = mapped(value, fold)",
            "                given = value",
            _ASKED,
        ),
        Broken(
            "amounts compare within one currency",
            '        return tests if rest.get("isNull") else and_(_known(minor, same), tests)',
            "        return tests",
            _FILTERS,
        ),
        Broken(
            "every means none that does not",
            '            held = not_(held) if how == "every" else held',
            "            held = and_(held)",
            _ASKED,
        ),
        Broken(
            "both ends are between",
            '    "between": lambda element, pair: _known(element, element.between(*pair)),',
            '    "between": lambda element, pair: and_(element >= pair[0], element < pair[1]),',
            _ASKED,
        ),
    ),
    "crmkit/engine/selection.py": (
        Broken(
            "an alias names the answer",
            "                found.setdefault(each.alias.value if each.alias else each.name.value, []).append(",
            "                found.setdefault(each.name.value, []).append(",
            _ASKED,
        ),
        Broken(
            "what is skipped is not there",
            "        return not (skip and _if(skip)) and (include is None or _if(include))",
            "        return include is None or _if(include)",
            _ASKED,
        ),
    ),
    "crmkit/engine/timelines.py": (
        Broken(
            "a timeline holds the kinds that are asked for",
            "            if (names is None or name in names) and kind.spec.read not in refused",
            "            if kind.spec.read not in refused",
            _ASKED,
        ),
    ),
    "crmkit/engine/executor.py": (
        Broken(
            "rows belong to the parent that they begin with",
            "        key = row[0]",
            "        key = rows[0][0]",
            _ASKED,
        ),
        Broken(
            "a function is given its arguments",
            "        arguments = told(batch.arguments, answers.request)",
            "        arguments: dict[str, Any] = {}",
            _ZOO,
        ),
    ),
    "crmkit/engine/late.py": (
        Broken(
            "the length of a list decides what the plan is",
            '        return ("[", *map(shape_of, value))',
            '        return ("[", *map(shape_of, value[:1]))',
            _ASKED,
        ),
        Broken(
            "what was looked at decides what the plan is",
            "        return repr(request.told(self.seen))",
            '        return ""',
            _ASKED,
        ),
        Broken(
            "a boolean decides what the plan is",
            "        return value",
            '        return "."',
            _ASKED,
        ),
    ),
    "crmkit/engine/generated.py": (
        Broken(
            "the last ones stand in the order of the list",
            "        if value.page.backwards:",
            "        if False:",
            _ASKED,
        ),
    ),
    "crmkit/engine/builder.py": (
        Broken(
            "the last ones stand in the order of the list, exactly",
            "        rows = rows[::-1] if self.page.backwards else rows",
            "        rows = list(rows)",
            _ASKED,
        ),
        Broken(
            "nothing is null where nothing may be",
            "            raise Bubble",
            "            return None",
            _ZOO,
        ),
    ),
    "crmkit/engine/unions.py": (
        Broken(
            "what is nearest in a chain comes first",
            "        order = (nearest.c.depth, nearest.c.at, nearest.c.node)",
            "        order = (nearest.c.at, nearest.c.node)",
            _ASKED,
        ),
    ),
    "crmkit/engine/steps.py": (
        Broken(
            "what cannot be read fails where it is read",
            "            raise value.error",
            "            return None",
            _ZOO,
        ),
    ),
    "crmkit/engine/planner.py": (
        Broken(
            "what cannot be planned fails where it stands",
            "            if not self.alone:",
            "            if True:",
            _ZOO,
        ),
    ),
}

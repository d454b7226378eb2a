"""A hidden field cannot be found out: whatever its value is, every question has the same answer.

The questions are made of the schema: twenty for each field, as one would ask who looks for a
value by halves. They are asked of a database, then of the same with another value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Integer, Text, select, update

from crmkit.engine import fields as f
from crmkit.engine.inputs import shouted
from crmkit.engine.nodes import NodeSpec
from crmkit.host.actors import SYSTEM
from crmkit.store.column_types import Code
from crmkit.store.database import with_companions
from tests.access.test_sweep import Company, company

__all__ = ["company"]

Question = tuple[str, dict[str, Any]]

_PLACES = {Text: ("aaa", "zzz"), Code: ("aaa", "zzz"), Integer: (1, 99)}


def test_the_answers_do_not_depend_on_a_hidden_value(company: Company) -> None:
    """Neither lists, their orders, cursors and counts, nor sums and errors."""
    asked = told = 0
    for name, spec in company.roots(f.AllOf):
        for field, column in _hideable(company, spec):
            coordinate = f"{spec.name}.{company.registry.name(field)}"
            questions = list(_questions(company, name, spec, field))
            hidden = _answers(company, column, questions, [coordinate])
            assert hidden[0] == hidden[1], coordinate
            asked += len(questions)
            # The same questions of somebody who may see it find it out.
            shown = _answers(company, column, [questions[0], *questions[-3:]], [])
            told += shown[0] != shown[1]
            assert not [each for each in shown[0] if "errors" in each], coordinate
    assert asked > 500
    assert told > 20


def _answers(
    company: Company, column: Column[Any], questions: Sequence[Question], hidden: Sequence[str]
) -> list[list[dict[str, Any]]]:
    """What is answered with one value of a column, and with another."""
    found = []
    for value in _PLACES[type(column.type)]:
        _set(company, column, value)
        company.t.become("admin", hidden=hidden)
        found.append([company.ask(document, **given) for document, given in questions])
        company.t.actor = SYSTEM
    return found


def _hideable(company: Company, spec: NodeSpec) -> Iterator[tuple[f.Declared, Column[Any]]]:
    """Fields of columns in which a value can be any text or number."""
    for field in company.registry.fields_of(spec.cls):
        name = company.registry.name(field)
        if not company.t.host.rights.hideable(f"{spec.name}.{name}"):
            continue
        if not isinstance(field.source, f.FromColumn) or name == "version":
            continue
        column = f.own_column(field)
        if type(column.type) in _PLACES and not (column.unique or column.foreign_keys):
            yield field, column


def _set(company: Company, column: Column[Any], value: object) -> None:
    """Gives one record this value, past every rule."""
    table = column.table
    if table.info["append_only"]:
        return
    first = select(table.c.id).order_by(table.c.id).limit(1).scalar_subquery()
    values = with_companions(table, {column.name: value})
    company.runner.run(_run(company, update(table).where(table.c.id == first).values(values)))


async def _run(company: Company, statement: Any) -> None:
    async with company.t.host.database.transaction() as transaction:
        await transaction.run(statement)


def _questions(
    company: Company, root: str, spec: NodeSpec, field: f.Declared
) -> Iterator[Question]:
    """What the schema lets one ask by a field, or about records that have it."""
    name, order = company.registry.name(field), shouted(field)
    number = isinstance(f.own_column(field).type, Integer)
    stats = f"{spec.name[0].lower()}{spec.name[1:]}Stats"
    if name in _names(company, f"{spec.name}Where"):
        kind, test = ("Int", "lt") if number else ("String", "startsWith")
        # One document for all halves: validating each took most of the time.
        test = f"where: {{{name}: {{{test}: $half}}}}"
        for half in range(0, 100, 10) if number else "abcghmnrtz":
            yield f"query ($half: {kind}!) {{ {root}({test}) {{ totalCount }} }}", {"half": half}
        equal = f"where: {{or: [{{{name}: {{eq: {0 if number else _QUOTED}}}}}]}}"
        yield f"{{ {root}({equal}) {{ nodes {{ id }} }} }}", {}
        is_there = f"where: {{not: {{{name}: {{isNull: true}}}}}}"
        yield f"{{ {root}({is_there}) {{ totalCount }} }}", {}
    if f"{order}_ASC" in _names(company, f"{spec.name}OrderBy"):
        for way in ("ASC", "DESC"):
            first = f"orderBy: [{order}_{way}], first: 1"
            yield f"{{ {root}({first}) {{ pageInfo {{ endCursor }} }} }}", {}
    yield f"{{ {root} {{ totalCount nodes {{ id {name} }} }} }}", {}
    yield f"{{ {root}(first: 2) {{ nodes {{ id }} pageInfo {{ endCursor hasNextPage }} }} }}", {}
    yield f"{{ {root}(last: 1) {{ edges {{ cursor }} }} }}", {}
    yield f"{{ {stats} {{ count }} }}", {}
    if name != "count" and name in _names(company, f"{spec.name}Stats"):
        yield f"{{ {stats} {{ {name} {{ min max }} }} }}", {}
    if order in _names(company, f"{spec.name}GroupBy"):
        yield f"{{ {stats}(by: [{order}]) {{ groups {{ count }} }} }}", {}
    ids = company.ids(spec)[:1]
    yield f'{{ node(id: "{ids[0]}") {{ ... on {spec.name} {{ {name} }} }} }}', {}


_QUOTED = '"a"'


def _names(company: Company, kind: str) -> Collection[str]:
    """The fields or values of a type, if there is one."""
    found: Any = company.t.crm.schema.core.get_type(kind)
    return () if found is None else getattr(found, "fields", None) or found.values

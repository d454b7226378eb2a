"""A list takes as many statements for twenty records as for two: every list that there is.

Which lists there are, and what can be asked of their records, is read from the schema.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from crmkit import sdk
from crmkit.engine import fields as f
from crmkit.host.discovery import discover, imported
from crmkit.host.tables import CORE
from crmkit.store.database import table_of
from crmkit.testing import Trial, add_customers, crm
from crmkit.testing.everything import UNLIMITED, everything
from crmkit.testing.rows import add_rows, fill_table

FEW, MANY = 2, 20
SEVERAL = (f.ToMany, f.ListOf)
ASKED = (*SEVERAL, f.Timeline, f.Chain, f.Batch, f.Expression)
"""What below a list must not be asked for record by record; of resolvers it is the point."""


class Company:
    """Twenty records of each listed kind, and the statements that questions about them take."""

    def __init__(self, runner: asyncio.Runner, t: Trial) -> None:
        self.runner, self.t = runner, t
        self.schema, self.registry = t.crm.schema.core, t.crm.schema.registry

    def ask(self, document: str, **variables: Any) -> tuple[int, dict[str, Any]]:
        with self.t.statements() as sent:
            found = self.runner.run(self.t.gql(document, **variables))
        return len(sent), found

    def lists(self) -> Iterator[str]:
        for each in self.registry.fields_of(self.registry.query):
            if isinstance(each.source, f.AllOf):
                yield self.registry.name(each)

    def kind(self, name: str) -> str:
        """The type of the records of a list."""
        source = self.registry.field(self.registry.query, name).source
        assert isinstance(source, f.AllOf)
        return self.registry.spec(source.node).name


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def company(request: pytest.FixtureRequest) -> Iterator[Company]:
    with asyncio.Runner() as runner:
        plugins = [imported(each) for each in discover()]
        context = crm(*plugins, engine=request.param, graphql=UNLIMITED)
        t = runner.run(context.__aenter__())
        runner.run(_fill(t))
        yield Company(runner, t)
        runner.run(context.__aexit__(None, None, None))


async def _fill(t: Trial) -> None:
    contacts = {
        "emails": [{"address": "somebody@example.com"}],
        "phones": [{"number": "+49 30 1234567"}],
        "addresses": [{"country": "DE"}],
    }
    await add_customers(t, [f"Customer {number}" for number in range(MANY)], **contacts)
    registry = t.crm.schema.registry
    for cls, spec in registry.nodes.items():
        owner, columns = registry.owners[cls], table_of(spec.model).columns
        belongs = any(each.foreign_keys and not each.nullable for each in columns)
        if spec.list_name and spec.name != "Customer" and (owner == CORE or not belongs):
            await fill_table(t, spec.model, owner, 2 if belongs else MANY)
    await fill_table(t, sdk.rows.CustomerTag, CORE, 1)
    await add_rows(t)


def test_a_list_with_all_that_its_records_have_is_read_at_once(company: Company) -> None:
    for name in company.lists():
        # What is in no list of its own hangs below customers. Whether what is below a record
        # is empty does not matter: it is asked for all the same.
        document = everything(company.schema, name, depth=2 if name == "customers" else 1)
        few, found = company.ask(document, first=FEW)
        many, all_found = company.ask(document, first=MANY)
        assert [len(each[name]["nodes"]) for each in (found, all_found)] == [FEW, MANY], name
        assert few == many, f"{name} takes {few} statements for {FEW}, {many} for {MANY}"


def test_nothing_that_could_be_asked_record_by_record_was_left_out(company: Company) -> None:
    registry = company.registry
    below = registry.fields_of(registry.named("Customer").cls)
    reached = {registry.target(each).name for each in below if isinstance(each.source, SEVERAL)}
    reached |= {company.kind(name) for name in company.lists()}
    left_out = [
        f"{spec.name}.{registry.name(each)}"
        for cls, spec in registry.nodes.items()
        if spec.name not in reached
        for each in registry.fields_of(cls)
        if isinstance(each.source, ASKED)
    ]
    assert left_out == []


def test_stats_are_one_statement_and_one_for_each_kind_of_record_that_groups_agree_in(
    company: Company,
) -> None:
    registry = company.registry
    for declared in registry.fields_of(registry.query):
        if not isinstance(declared.source, f.StatsOf):
            continue
        name, spec = registry.name(declared), registry.spec(declared.source.node)
        # One value of `by` for each field.
        by = {grouping.name: value for value, grouping in registry.stats.groupings(spec)}
        fields = registry.stats.keys(spec)
        records = [key for key in by if isinstance(fields[key].source, f.ToOne)]
        keys = " ".join(f"{key} {{ id }}" for key in records)
        document = (
            f"{{ {name}(by: [{' '.join(by.values())}]) {{ count groups {{ count {keys} }} }} }}"
        )
        sent, found = company.ask(document)
        assert found[name]["count"] >= MANY
        assert sent <= 1 + len(records)

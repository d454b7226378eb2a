"""Whoever may not see a record finds it nowhere: every root, id and way that the schema has.

What is asked is read from the schema; an admin asks the same and finds something each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import Any

import pytest
from sqlalchemy import select

from crmkit.engine import fields as f
from crmkit.engine.nodes import NodeSpec
from crmkit.host.actors import SYSTEM, Grant
from crmkit.host.discovery import discover, imported
from crmkit.host.tables import CORE
from crmkit.store.database import table_of
from crmkit.store.reach import is_scoped, scope_of
from crmkit.testing import Trial, add_customers, crm
from crmkit.testing.everything import UNLIMITED, everything
from crmkit.testing.rows import add_rows, fill_table
from tests.access.asking import Asking

OUTSIDER = {"user": "app_user_01h455vb4pex5vsknk084sn02q", "team": None}
_ROOT_FIELDS = (f.AllOf, f.StatsOf)


class Company:
    """Records of every kind, and who asks for them."""

    def __init__(self, runner: asyncio.Runner, t: Trial) -> None:
        self.runner, self.t = runner, t
        self.registry = t.crm.schema.registry

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        return self.runner.run(self.t.answer(document, variables))

    def specs(self) -> list[NodeSpec]:
        return list(self.registry.nodes.values())

    def scoped(self) -> list[NodeSpec]:
        return [each for each in self.specs() if is_scoped(table_of(each.model))]

    def ids(self, spec: NodeSpec) -> list[str]:
        table = table_of(spec.model)
        found = self.runner.run(self.t.host.database.fetch(select(table.c.id)))
        return [id_ for (id_,) in found]

    def owned(self, spec: NodeSpec) -> list[str]:
        """The records of a kind that are somebody's: some, such as audit entries, are nobody's."""
        table = table_of(spec.model)
        keys = [table.c[key].is_not(None) for key in scope_of(table).keys]
        found = self.runner.run(self.t.host.database.fetch(select(table.c.id).where(*keys)))
        return [id_ for (id_,) in found]

    def roots(self, *kinds: type[f.Source]) -> Iterator[tuple[str, NodeSpec]]:
        for each in self.registry.fields_of(self.registry.query):
            if isinstance(each.source, kinds):
                yield self.registry.name(each), self.registry.spec(each.source.node)  # type: ignore[attr-defined]

    @cached_property
    def somebodys(self) -> set[str]:
        """The ids of all records of customers that there are before anything is asked."""
        return {id_ for each in self.scoped() for id_ in self.owned(each)}

    def seen(self, answer: dict[str, Any]) -> list[str]:
        """The ids of records of customers that stand anywhere in an answer."""
        return [each for each in _texts(answer.get("data")) if each in self.somebodys]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def company(request: pytest.FixtureRequest) -> Iterator[Company]:
    with asyncio.Runner() as runner:
        plugins = [imported(each) for each in discover()]
        context = crm(*plugins, engine=request.param, graphql=UNLIMITED)
        t = runner.run(context.__aenter__())
        runner.run(_fill(t))
        yield Company(runner, t)
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
def admin(company: Company) -> Company:
    company.t.become("admin")
    return company


@pytest.fixture
def outsider(company: Company) -> Iterator[Company]:
    """Somebody with every permission, whose team looks after nobody."""
    company.t.become("admin", **OUTSIDER, scope="team")
    yield company
    company.t.actor = SYSTEM


@pytest.fixture
def anonymous(company: Company) -> Iterator[Company]:
    company.t.become("public")
    yield company
    company.t.actor = SYSTEM


async def _fill(t: Trial) -> None:
    contacts = {
        "emails": [{"address": "somebody@example.com"}],
        "phones": [{"number": "+49 30 1234567"}],
        "addresses": [{"country": "DE"}],
        "externalIds": [],
    }
    names = await add_customers(t, ["Ada", "Bo", "Cy"], **contacts)
    assert len(names) == 3
    for spec in t.crm.schema.registry.nodes.values():
        table = table_of(spec.model)
        empty = not await t.host.database.fetch(select(table.c.id).limit(1))
        if empty and t.crm.schema.registry.owners[spec.cls] == CORE:
            await fill_table(t, spec.model, CORE, 1)
    await add_rows(t)


def test_an_admin_finds_every_kind_of_record_by_its_id(admin: Company) -> None:
    for spec in admin.specs():
        ids = admin.ids(spec)
        assert ids, f"Nobody has made a {spec.name}."
        found = admin.ask("query ($id: ID!) { node(id: $id) { id } }", id=ids[0])
        assert found["data"]["node"] == {"id": ids[0]}


def test_an_admin_finds_something_at_every_root(admin: Company) -> None:
    for name, _ in admin.roots(f.AllOf):
        found = admin.ask(f"{{ {name} {{ totalCount }} }}")
        assert found["data"][name]["totalCount"] > 0, name
        found = admin.ask(everything(admin.t.crm.schema.core, name, 1), first=2)
        assert "errors" not in found


def test_somebody_of_another_team_finds_no_record_of_customers_by_its_id(
    outsider: Company,
) -> None:
    for spec in outsider.scoped():
        ids = outsider.owned(spec)
        assert ids
        found = outsider.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
        assert found["data"]["nodes"] == [None] * len(ids)


def test_somebody_of_another_team_finds_nothing_at_any_root(outsider: Company) -> None:
    for name, spec in outsider.roots(*_ROOT_FIELDS):
        if is_scoped(table_of(spec.model)):
            count = "count" if name.endswith("Stats") else "totalCount"
            nobodys = len(outsider.ids(spec)) - len(outsider.owned(spec))
            found = outsider.ask(f"{{ {name} {{ {count} }} }}")
            assert found["data"][name] == {count: nobodys}, name


def test_somebody_of_another_team_finds_nothing_on_any_way(outsider: Company) -> None:
    for name, _ in outsider.roots(f.AllOf):
        found = outsider.ask(everything(outsider.t.crm.schema.core, name), first=2)
        assert "data" in found
        assert outsider.seen(found) == [], name
        assert not [key for key, number in _counts(found["data"]) if number], name


def test_whoever_has_not_signed_in_finds_nothing_anywhere(anonymous: Company) -> None:
    for spec in anonymous.specs():
        ids = anonymous.ids(spec)[:3]
        found = anonymous.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
        assert found["data"]["nodes"] == [None] * len(ids), spec.name
    for name, _ in anonymous.roots(*_ROOT_FIELDS):
        found = anonymous.ask(f"{{ {name} {{ __typename }} }}")
        assert [each["extensions"]["code"] for each in found["errors"]] == ["FORBIDDEN"], name
        assert "data" not in found


@pytest.mark.parametrize("bad", ["forged", "revoked", "expired", "unknown", "no token"])
def test_with_a_key_that_is_not_good_nothing_is_found_anywhere(company: Company, bad: str) -> None:
    company.t.actor = SYSTEM
    ask, asked = Asking(company.t), 0
    token = company.runner.run(_bad_key(ask, bad))
    for name, _ in company.roots(*_ROOT_FIELDS):
        answer = company.runner.run(ask(f"{{ {name} {{ __typename }} }}", token))
        assert answer.status_code == 401
        assert "data" not in answer.json(), name
        asked += 1
    assert asked > 20


def test_with_a_key_that_only_reads_no_mutation_runs(company: Company) -> None:
    company.t.actor = SYSTEM
    ask = Asking(company.t)
    user = company.runner.run(ask.user("Reader"))
    token, _ = company.runner.run(ask.key(userId=user, readOnly=True))
    found = company.runner.run(ask.data("{ customers { totalCount } }", token))
    assert found["customers"]["totalCount"] > 0
    rights = company.t.host.rights.rights(
        [Grant(company.t.host.rights.permissions)], read_only=True
    )
    for name in company.t.crm.schema.mutations:
        assert f"Mutation.{name}" in rights.refused
    create = 'mutation { createTeam(input: {name: "West"}) { __typename } }'
    assert company.runner.run(ask.code(create, token)) == "FORBIDDEN"


async def _bad_key(ask: Asking, bad: str) -> str:
    """A key of an admin that is not good, or not any more."""
    if bad == "no token":
        return "crm_"
    user = await ask.user(f"A{bad}")
    soon = (ask.t.clock.now() + timedelta(seconds=1)).isoformat()
    token, id_ = await ask.key(userId=user, **({"expiresAt": soon} if bad == "expired" else {}))
    if bad == "expired":
        ask.t.clock.move(seconds=2)
    if bad == "revoked":
        await ask.t.gql(
            "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { id } } }", id=id_
        )
    spoiled = token[:-1] + ("A" if token[-1] != "A" else "B")
    return {"forged": spoiled, "unknown": token.replace(token[4:30], "0" * 26)}.get(bad, token)


def test_whoever_has_not_signed_in_changes_nothing_but_what_is_meant_for_him(
    anonymous: Company,
) -> None:
    presets = anonymous.t.host.loaded.presets["public"]
    for mutation in anonymous.t.crm.schema.mutations.values():
        assert (mutation.permission in presets) != (
            f"Mutation.{mutation.name}" in anonymous.t.actor.rights.refused
        )


@pytest.mark.parametrize("how", ["where", "orderBy", "by"])
def test_a_hidden_field_is_refused_wherever_the_schema_can_ask_by_it(
    company: Company, how: str
) -> None:
    core = company.t.crm.schema.core
    kinds: dict[str, Callable[[str], Any]] = {
        "where": lambda name: core.get_type(f"{name}Where"),
        "orderBy": lambda name: core.get_type(f"{name}OrderBy"),
        "by": lambda name: core.get_type(f"{name}GroupBy"),
    }
    asked = 0
    for name, spec in company.roots(f.AllOf):
        for field in company.registry.fields_of(spec.cls):
            coordinate = f"{spec.name}.{company.registry.name(field)}"
            if not company.t.host.rights.hideable(coordinate):
                continue
            company.t.become("admin", hidden=[coordinate])
            refused = company.t.actor.rights.refused
            assert coordinate in refused
            for value in _ways(kinds[how](spec.name), company.registry.name(field), how):
                stats = f"{spec.name[0].lower()}{spec.name[1:]}Stats"
                root = (
                    f"{stats}({how}: {value}) {{ count }}"
                    if how == "by"
                    else (f"{name}({how}: {value}) {{ totalCount }}")
                )
                found = company.ask(f"{{ {root} }}")
                assert found["errors"][0]["extensions"]["code"] == "FORBIDDEN", root
                assert "data" not in found
                asked += 1
    company.t.actor = SYSTEM
    assert asked > 20


_TESTS = {"MoneyFilter": '{currency: "EUR"}'}


def _ways(kind: Any, field: str, how: str) -> Iterator[str]:
    if kind is None:
        return
    if how == "where":
        if field in kind.fields and not str(kind.fields[field].type).endswith("Where"):
            yield f"{{{field}: {_TESTS.get(str(kind.fields[field].type), '{isNull: true}')}}}"
        return
    shouted = "".join(f"_{each}" if each.isupper() else each.upper() for each in field)
    ends = ("_ASC", "_DESC") if how == "orderBy" else ("", "_DAY", "_MONTH")
    for end in ends:
        if f"{shouted}{end}" in kind.values:
            yield f"{shouted}{end}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _counts(value: Any, key: str = "") -> Iterator[tuple[str, int]]:
    """Numbers that count records of customers below what anybody may see."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _counts(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _counts(each, key)
    elif key == "customerCount" and isinstance(value, int):
        yield key, value

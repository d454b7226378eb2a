"""Documents that nobody sent before are forgotten again.

`CRMKIT_SOAK=1` also asks a server ten thousand of them and looks at what it holds.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from weakref import WeakKeyDictionary

import pytest

from crmkit import testing
from crmkit.app import load_plugins
from crmkit.graph import documents
from crmkit.host import migrations
from crmkit.host.discovery import discover, imported
from crmkit.settings import Settings
from crmkit.store import statements
from crmkit.testing import Trial, schemas
from tests.benchmarks.company import Size
from tests.benchmarks.filling import fill
from tests.benchmarks.rivals import Crmkit, serving

SOAK = bool(os.environ.get("CRMKIT_SOAK"))
FEW, MANY, MOST_MEGABYTES = 1_000, 11_000, 50
FIELDS = (
    "name", "kind", "source", "locale", "zone", "createdAt", "updatedAt", "version", "givenName",
    "stage { key position }", "loyaltyPoints", "pointsEarned", "openTickets", "emails { address }",
    "interactions(first: {}) {{ nodes {{ id kind subject }} }}",
    "loyaltyEntries(first: {}) {{ nodes {{ points kind }} }}",
    "feedbackTickets(first: {}) {{ totalCount nodes {{ state }} }}",
)  # fmt: skip


def document(number: int) -> str:
    """An operation that differs from all others in its text, its plan and its SQL."""
    random = Random(number)  # noqa: S311  it invents
    some = " ".join(
        each.format(random.randint(1, 20)) if "(" in each else each
        for each in random.sample(FIELDS, random.randint(2, 8))
    )
    return f"""query Of{number} {{
      customers(first: {random.randint(1, 40)}, where: {{name: {{ne: "{number}"}}}}) {{
        nodes {{ id {some} }} pageInfo {{ hasNextPage }} }} }}"""


# What is kept is kept of texts and statements; it takes half a minute to see it of both engines.
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"] if SOAK else ["sqlite"], indirect=True)
@pytest.mark.anyio
async def test_what_is_kept_of_documents_is_bounded(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "KEPT", 1_500)
    monkeypatch.setattr(statements, "_MOST", 5)
    monkeypatch.setattr(statements, "_TEXTS", WeakKeyDictionary())
    # What tests before have asked is forgotten for the bound of this one.
    monkeypatch.setattr(schemas, "_DOCUMENTS", WeakKeyDictionary())
    async with testing.crm(*map(imported, discover()), engine=engine) as t:
        assert t.plans is not None
        t.plans.most = 5
        await ask(t, range(3))  # What is made once is made now.
        with only_new():
            empty = tracked()
            await ask(t, range(100, 110))
            full = tracked()
            await ask(t, range(200, 220))
            assert full > empty
            # Twice as many again, and next to nothing more is held.
            assert tracked() - full < (full - empty) / 4


async def ask(t: Trial, numbers: range) -> None:
    for number in numbers:
        for _ in range(2):  # The second run of a plan makes its builder.
            await t.gql(document(number))


@contextmanager
def only_new() -> Iterator[None]:
    """Leaves out what there is by now: of that, something of other tests may go meanwhile."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def tracked() -> int:
    """How many objects there are that could hold others."""
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.skipif(not SOAK, reason="asking ten thousand documents takes minutes: make soak")
def test_ten_thousand_documents_grow_a_server_by_less_than_50_megabytes(database_url: str) -> None:
    migrations.upgrade(database_url, load_plugins(Settings()))
    with serving(Crmkit(), database_url):  # It adds what every company begins with.
        asyncio.run(fill(database_url, Size(100, 1_000, 500, 100)))
    with serving(Crmkit(), database_url) as server:
        held = {}
        for number in range(MANY):
            for _ in range(2):
                server.ask("/graphql", {"query": document(number)})
            if number + 1 in (FEW, MANY):
                held[number + 1] = server.megabytes
        print(held)  # noqa: T201  a figure for whoever runs it
        assert held[MANY] - held[FEW] < MOST_MEGABYTES

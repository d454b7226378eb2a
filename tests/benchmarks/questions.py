"""What is asked: five questions of a CRM, with arguments that differ from request to request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from tests.benchmarks.company import Size
from tests.benchmarks.databases import Databases
from tests.benchmarks.load import PLACE

MANY = 256  # requests that differ

_CUSTOMER = "id name kind source createdAt"
_PERSONS = "where: {kind: {eq: PERSON}}, orderBy: [NAME_ASC], first: 50, after: $after"
_RECORD = """mutation ($input: RecordInteractionInput!) {
  recordInteraction(input: $input) { interaction { id kind direction } }
}"""


@dataclass(frozen=True)
class Question:
    """A question, as crmkit and whoever has its schema is asked it.

    `after` says which list its cursors are of: with these arguments they are drawn.
    """

    name: str
    title: str
    document: str
    after: str | None = None
    writes: bool = False


QUESTIONS = (
    Question(
        "Q1",
        "one customer",
        f"query ($id: ID!) {{ node(id: $id) {{ ... on Customer {{ {_CUSTOMER} }} }} }}",
    ),
    Question(
        "Q2",
        "50 customers: stage, last 5 interactions, balance, open tickets",
        """query ($after: String) { customers(first: 50, after: $after) { nodes {
          id name stage { key position } loyaltyPoints openTickets
          interactions(first: 5) { nodes { id kind direction subject occurredAt channel { key } } }
        } } }""",
        after="",
    ),
    Question(
        "Q3",
        "1,000 customers × 6 fields",
        f"""query ($after: String) {{ customers(first: 1000, after: $after) {{
          nodes {{ {_CUSTOMER} locale }} }} }}""",
        after="",
    ),
    Question(
        "Q5",
        "50 persons by name from 90 % on, as nodes",
        f"query ($after: String) {{ customers({_PERSONS}) {{ nodes {{ {_CUSTOMER} }} }} }}",
        after="orderBy: [NAME_ASC]",
    ),
    Question(
        "Q5e",
        "the same as edges, each with its cursor",
        f"""query ($after: String) {{ customers({_PERSONS}) {{
          edges {{ cursor node {{ {_CUSTOMER} }} }} pageInfo {{ hasNextPage endCursor }} }} }}""",
        after="orderBy: [NAME_ASC]",
    ),
    Question("Q4", "record an interaction", _RECORD, writes=True),
    Question("Q4k", "the same with an idempotency key", _RECORD, writes=True),
)


def arguments(
    question: Question, known: Databases, name: str, size: Size
) -> list[Mapping[str, Any]]:
    """What varies; instead of a cursor the id of the customer at whom it points."""
    random = Random(size.seed)
    if question.name in ("Q5", "Q5e"):
        persons = "FROM customer WHERE kind = 'person'"
        [count] = known.ids(name, f"SELECT count(*) {persons}")
        place = int(count * 0.9)
        page = f"SELECT id {persons} ORDER BY name_sort, id LIMIT {MANY} OFFSET {place}"
        found = known.ids(name, page)
        return [{"after": each} for each in random.sample(found, len(found))]
    ids = known.ids(name, "SELECT id FROM customer ORDER BY id")
    # The pages that follow have to be full.
    some = random.choices(ids[: -min(1_000, len(ids) // 2)], k=MANY)
    if question.name == "Q1":
        return [{"id": each} for each in some]
    if question.writes:
        return [_recorded(each, question.name == "Q4k") for each in some]
    return [{"after": each} for each in some]


def _recorded(customer: str, keyed: bool) -> Mapping[str, Any]:
    given = {"customerId": customer, "channel": "email", "direction": "INBOUND", "kind": "note"}
    return {"input": given | ({"idempotencyKey": PLACE.decode()} if keyed else {})}


def plain(question: Question, answer: Any) -> Any:
    """An answer without what differs between servers that say the same."""
    if isinstance(answer, list):
        return [plain(question, each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    dropped = {"cursor", "endCursor", *(("id",) if question.writes else ())}
    found = {k: plain(question, v) for k, v in answer.items() if k not in dropped}
    for name, read in _READ.items():
        if name in found:
            found[name] = read(found[name])
    return found


# The same moment and the same number are written in more than one way.
_READ = {
    "createdAt": datetime.fromisoformat,
    "occurredAt": datetime.fromisoformat,
    "loyaltyPoints": int,
}


def chosen(names: Sequence[str]) -> list[Question]:
    """The questions of these names; all where none is named."""
    known = {each.name: each for each in QUESTIONS}
    if unknown := sorted(set(names) - set(known)):
        raise SystemExit(f"There is no {unknown[0]}; choose among {', '.join(known)}.")
    return [each for each in QUESTIONS if not names or each.name in names]

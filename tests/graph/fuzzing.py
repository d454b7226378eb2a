"""Requests that nobody should send: well-formed ones with something broken in them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from graphql import parse, print_ast

QUICKSTART = Path(__file__).parents[2] / "examples/quickstart.graphql"

_WRITTEN: list[tuple[str, dict[str, Any]]] = [
    ("mutation ($name: String!) { breakThings(input: {name: $name}) { name } }", {"name": "vase"}),
    (
        "mutation ($i: CreateCustomerInput!) { createCustomer(input: $i) { customer { id name } } }",
        {
            "i": {
                "name": "Ada",
                "emails": [{"address": "ada@example.com", "primary": True}],
                "phones": [{"number": "+49 30 901820"}],
                "locale": "de",
                "zone": "Europe/Berlin",
                "idempotencyKey": "once",
            }
        },
    ),
    (
        "mutation ($i: [CreateCustomerItem!]!) { createCustomers(input: {items: $i, onError: SKIP}) "
        "{ results { outcome error { code message } customer { id } } } }",
        {"i": [{"name": "Bo"}, {"name": "Cy", "emails": [{"address": "cy@example.com"}]}]},
    ),
    (
        "mutation ($id: ID!, $v: Int) { updateCustomer(input: {id: $id, name: \"Eve\", version: $v}) "
        "{ customer { version } } }",
        {"id": "customer_01h455vb4pex5vsknk084sn02q", "v": 1},
    ),
    (
        "query ($w: CustomerWhere, $o: [CustomerOrderBy!], $n: Int, $c: String) {"
        " customers(where: $w, orderBy: $o, first: $n, after: $c) { totalCount pageInfo { endCursor }"
        " nodes { id name createdAt stage { label } emails { address } orders(first: 2) { nodes { total { amount } } } } } }",
        {
            "w": {"or": [{"name": {"contains": "a"}}, {"createdAt": {"gt": "2026-01-01T00:00:00Z"}}]},
            "o": ["NAME_ASC", "CREATED_AT_DESC"],
            "n": 3,
            "c": None,
        },
    ),
    (
        "query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id __typename } node(id: $id) { id } }",
        {"ids": ["customer_01h455vb4pex5vsknk084sn02q"], "id": "order_x"},
    ),
]  # fmt: skip

_NASTY: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 10**30, -(2**64), 1.5, 1e308, "", " ", "\x00", "\u202e", "\ud800",
    "'; DROP TABLE customer; --", "%s %(x)s {0} $1 :name", "a" * 5000, "🏃" * 700, "İ", "null", "NaN",
    [], {}, [[]], [None], {"eq": None}, {"": ""}, {"a": {"b": []}}, "2026-02-30", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "1e999", "-0", "0x1f", "customer_", "_", "Customer:1",
    "eyJhIjoxfQ", "customer_7zzzzzzzzzzzzzzzzzzzzzzzzz",
]  # fmt: skip
_TOKENS = ["{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "|", "&", '"', '"""', "#", "on",
           "null", "true", "1", "-", "1e5", "9" * 40, "query", "mutation", "subscription", "fragment",
           "__typename", "__schema", "customers", "first", "@skip(if: true)", "é", "\x00", "\ufeff"]  # fmt: skip
_ACCEPTED = [
    "*/*",
    "application/json",
    "application/graphql-response+json",
    "text/html",
    "",
    ";q=x",
    ",",
]


@dataclass(frozen=True)
class Fuzzed:
    """A request as it goes over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes


def requests(seed: int, number: int) -> Iterator[Fuzzed]:
    """So many requests, the same for the same seed."""
    chance = Random(seed)  # noqa: S311  it keeps no secret
    corpus = [*_WRITTEN, *((text, {}) for text in _quickstart())]
    ways: list[Callable[[Random, str, dict[str, Any]], Fuzzed]] = [
        _with_other_variables, _with_other_variables, _with_other_variables,
        _with_another_document, _with_another_document, _with_broken_bytes, _with_another_envelope,
        _in_the_address,
    ]  # fmt: skip
    for _ in range(number):
        document, variables = chance.choice(corpus)
        yield chance.choice(ways)(chance, document, variables)


def _quickstart() -> list[str]:
    return [print_ast(each) for each in parse(QUICKSTART.read_text(encoding="utf-8")).definitions]


def _post(chance: Random, body: bytes) -> Fuzzed:
    headers = {"content-type": "application/json", "accept": chance.choice(_ACCEPTED)}
    return Fuzzed("POST", "/graphql", headers, body)


def _body(said: Any) -> bytes:
    return json.dumps(said).encode()


def _with_other_variables(chance: Random, document: str, variables: dict[str, Any]) -> Fuzzed:
    # What is no variable of theirs is refused too soon to be of interest.
    said = dict(variables)
    for name in chance.sample(list(said), min(len(said), 1)):
        said[name] = _spoilt(chance, said[name])
    return _post(chance, _body({"query": document, "variables": said}))


def _with_another_document(chance: Random, document: str, variables: dict[str, Any]) -> Fuzzed:
    tokens = re.findall(r"\w+|\"[^\"]*\"|\s+|.", document)
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(tokens))
        match chance.randrange(4):
            case 0:
                tokens[place] = ""
            case 1:
                tokens[place] += tokens[place]
            case 2:
                tokens[place] = chance.choice(_TOKENS)
            case _:
                tokens[place] = chance.choice(tokens)
    return _post(chance, _body({"query": "".join(tokens), "variables": variables}))


def _with_broken_bytes(chance: Random, document: str, variables: dict[str, Any]) -> Fuzzed:
    body = bytearray(_body({"query": document, "variables": variables}))
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(body))
        body[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return _post(chance, bytes(body))


def _with_another_envelope(chance: Random, document: str, variables: dict[str, Any]) -> Fuzzed:
    said: dict[str, Any] = {"query": document, "variables": variables}
    said[
        chance.choice(["query", "variables", "operationName", "extensions", "documentId", "x"])
    ] = chance.choice(_NASTY)
    sent = _post(chance, _body(chance.choice([said, [said], said, "", chance.choice(_NASTY)])))
    sent.headers["content-type"] = chance.choice(
        [
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
            "application/json;;",
            "",
        ]
    )
    return Fuzzed(
        chance.choice(["POST", "PUT", "PATCH", "HEAD"]), sent.path, sent.headers, sent.content
    )


def _in_the_address(chance: Random, document: str, variables: dict[str, Any]) -> Fuzzed:
    query = f"query={quote(document)}&variables={quote(json.dumps(_spoilt(chance, variables)))}"
    if chance.randrange(3) == 0:
        place = chance.randrange(len(query))
        query = query[:place] + chance.choice(["%", "%zz", "&", "=", "%00", "%ff"]) + query[place:]
    return Fuzzed("GET", f"/graphql?{query}", {"apollo-require-preflight": "1"}, b"")


def _spoilt(chance: Random, value: Any) -> Any:
    """The same with something else somewhere in it."""
    if not value or not isinstance(value, dict | list) or chance.randrange(8) == 0:
        return chance.choice(_NASTY)
    if isinstance(value, list):
        place = chance.randrange(len(value))
        return [
            _spoilt(chance, each) if index == place else each for index, each in enumerate(value)
        ]
    chosen = chance.choice(list(value))
    made = {name: _spoilt(chance, each) if name == chosen else each for name, each in value.items()}
    if chance.randrange(10) == 0:
        made[chance.choice(["", "x", "__proto__", "not", "and"])] = chance.choice(_NASTY)
    return made

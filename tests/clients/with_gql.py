"""The story of story.mjs with gql: python with_gql.py URL PREFIX."""

from __future__ import annotations

import sys

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

MAKE = """mutation Make($items: [CreateCustomerItem!]!) {
  createCustomers(input: {items: $items}) { results { customer { id } } }
}"""
PAGE = """query Page($prefix: String!, $after: String) {
  customers(where: {name: {startsWith: $prefix}}, orderBy: [NAME_ASC], first: 2, after: $after) {
    nodes { id name createdAt } pageInfo { endCursor hasNextPage }
  }
}"""
RENAME = """mutation Rename($id: ID!, $name: String!) {
  updateCustomer(input: {id: $id, name: $name}) { customer { name } }
}"""


def main(url: str, prefix: str) -> None:
    # It fetches the schema, and holds what it sends to it.
    client = Client(transport=RequestsHTTPTransport(url), fetch_schema_from_transport=True)

    def ask(document: str, **variables: object) -> dict[str, dict[str, object]]:
        request = gql(document)
        request.variable_values = variables
        return client.execute(request)

    ask(MAKE, items=[{"name": f"{prefix} {number}"} for number in range(1, 6)])
    names, after, more, ids = [], None, True, []
    while more:
        page = ask(PAGE, prefix=prefix, after=after)["customers"]
        names += [each["name"].removeprefix(prefix).strip() for each in page["nodes"]]
        ids += [each["id"] for each in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    said = [f"walked {' '.join(names)}"]
    renamed = ask(RENAME, id=ids[0], name=f"{prefix} one")["updateCustomer"]["customer"]
    said.append(f"renamed {renamed['name'].removeprefix(prefix).strip()}")
    try:
        ask(RENAME, id=ids[0], name=" ")
    except TransportQueryError as error:
        said.append(f"refused {error.errors[0]['extensions']['code']}")
    sys.stdout.write("\n".join(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The story of story.mjs with the client that ariadne-codegen writes: python with_ariadne.py URL PREFIX."""

from __future__ import annotations

import sys

from generated.ariadne_client import Client, CreateCustomerItem, GraphQLClientGraphQLMultiError


def main(url: str, prefix: str) -> None:
    client = Client(url)
    client.make([CreateCustomerItem(name=f"{prefix} {number}") for number in range(1, 6)])
    names, after, more, ids = [], None, True, []
    while more:
        page = client.page(prefix, after=after).customers
        names += [each.name.removeprefix(prefix).strip() for each in page.nodes]
        ids += [each.id for each in page.nodes]
        after, more = page.page_info.end_cursor, page.page_info.has_next_page
    said = [f"walked {' '.join(names)}"]
    renamed = client.rename(ids[0], f"{prefix} one").update_customer.customer
    said.append(f"renamed {renamed.name.removeprefix(prefix).strip()}")
    try:
        client.rename(ids[0], " ")
    except GraphQLClientGraphQLMultiError as error:
        said.append(f"refused {error.errors[0].extensions['code']}")
    sys.stdout.write("\n".join(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

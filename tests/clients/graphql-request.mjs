import { ClientError, GraphQLClient } from "graphql-request";
import { items, MAKE, PAGE, prefix, RENAME, tell, url } from "./story.mjs";

const client = new GraphQLClient(url);
await client.request(MAKE, { items });

const names = [];
let id;
for (let after = null, more = true; more; ) {
  const { customers } = await client.request(PAGE, { prefix, first: 2, after });
  names.push(...customers.edges.map(({ node }) => node.name));
  id ??= customers.edges[0].node.id;
  ({ endCursor: after, hasNextPage: more } = customers.pageInfo);
}
const { updateCustomer } = await client.request(RENAME, { id, name: `${prefix} one` });
const refused = await client.request(RENAME, { id, name: " " }).catch((error) => error);
tell(
  names,
  updateCustomer.customer.name,
  refused instanceof ClientError && refused.response.errors[0].extensions.code,
);

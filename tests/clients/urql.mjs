import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { createClient, fetchExchange } from "@urql/core";
import { items, MAKE, PAGE, prefix, RENAME, tell, url } from "./story.mjs";

const resolvers = { Query: { customers: relayPagination() } };
const client = createClient({ url, exchanges: [cacheExchange({ resolvers }), fetchExchange] });
const must = ({ data, error }) => {
  if (error) throw error;
  return data;
};
must(await client.mutation(MAKE, { items }));

let page;
for (let after = null, more = true; more; ) {
  page = must(await client.query(PAGE, { prefix, first: 2, after }));
  ({ endCursor: after, hasNextPage: more } = page.customers.pageInfo);
}
const names = page.customers.edges.map(({ node }) => node.name);
const { id } = page.customers.edges[0].node;
must(await client.mutation(RENAME, { id, name: `${prefix} one` }));
const kept = await client.query(PAGE, { prefix, first: 2, after: null }, { requestPolicy: "cache-only" });
const refused = await client.mutation(RENAME, { id, name: " " });
tell(names, must(kept).customers.edges[0].node.name, refused.error?.graphQLErrors[0].extensions.code);

import { gql } from "@apollo/client";
import { createRequire } from "node:module";
import { items, MAKE, PAGE, prefix, RENAME, tell, url } from "./story.mjs";

// Its module for bundlers names files that node does not find.
const { default: graphqlProvider } = createRequire(import.meta.url)("ra-data-graphql");

// React-admin counts pages; where one begins, the page before it has said.
const begins = [null];
const operations = {
  GET_LIST: ({ filter, pagination: { page, perPage } }) => ({
    query: gql(PAGE),
    variables: { prefix: filter.q, first: perPage, after: begins[page - 1] },
    parseResponse: ({ data: { customers } }) => {
      begins[page] = customers.pageInfo.endCursor;
      return { data: customers.edges.map(({ node }) => node), total: customers.totalCount };
    },
  }),
  UPDATE: ({ id, data: { name } }) => ({
    query: gql(RENAME),
    variables: { id, name },
    parseResponse: ({ data }) => ({ data: data.updateCustomer.customer }),
  }),
};
const provider = graphqlProvider({
  clientOptions: { uri: url },
  introspection: false,
  buildQuery: () => (operation, resource, params) => operations[operation](params),
});
await provider.client.mutate({ mutation: gql(MAKE), variables: { items } });

const page = (number) =>
  provider.getList("customers", {
    pagination: { page: number, perPage: 2 },
    sort: { field: "name", order: "ASC" },
    filter: { q: prefix },
  });
const seen = [];
for (let number = 1, all = 1; seen.length < all; number++) {
  const { data, total } = await page(number);
  seen.push(...data);
  all = total;
}
const [{ id }] = seen;
const rename = (name) => provider.update("customers", { id, data: { name } });
await rename(`${prefix} one`);
const refused = await rename(" ").catch((error) => error);
tell(
  seen.map(({ name }) => name),
  // What stands in the cache by its id is renamed wherever it is shown.
  provider.client.readQuery({ query: gql(PAGE), variables: { prefix, first: 2, after: null } }).customers
    .edges[0].node.name,
  refused.body.graphQLErrors[0].extensions.code,
);
provider.client.stop();

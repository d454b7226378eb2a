import { cacheExchange } from "@urql/exchange-graphcache";
import { createClient, fetchExchange, gql } from "@urql/core";
import { createRequire } from "node:module";
import { items, MAKE, PAGE, prefix, RENAME, tell, url } from "./story.mjs";

// Its module for bundlers names files that node does not find.
const { default: dataProvider } = createRequire(import.meta.url)("@refinedev/graphql");

const client = createClient({ url, exchanges: [cacheExchange(), fetchExchange] });
const made = await client.mutation(MAKE, { items });
if (made.error) throw made.error;

// Refine counts pages; where one begins, the page before it has said.
const begins = [null];
const { getList, getMany, update } = dataProvider(client, {
  getList: {
    buildVariables: ({ filters, pagination: { currentPage, pageSize } }) => ({
      prefix: filters[0].value,
      first: pageSize,
      after: begins[currentPage - 1],
    }),
    dataMapper: ({ data: { customers } }, { pagination: { currentPage } }) => {
      begins[currentPage] = customers.pageInfo.endCursor;
      return customers.edges.map(({ node }) => node);
    },
  },
  getMany: { buildFilter: ({ ids }) => ids, dataMapper: ({ data }) => data.nodes },
  update: {
    buildVariables: ({ id, variables }) => ({ id, ...variables }),
    dataMapper: ({ data }) => data.updateCustomer.customer,
  },
});
const page = (currentPage) =>
  getList({
    resource: "customers",
    pagination: { currentPage, pageSize: 2 },
    filters: [{ field: "name", operator: "startswith", value: prefix }],
    meta: { gqlQuery: gql(PAGE) },
  });
const seen = [];
for (let number = 1, total = 1; seen.length < total; number++) {
  const { data, total: all } = await page(number);
  seen.push(...data);
  total = all;
}
const [{ id }] = seen;
const rename = (name) =>
  update({ resource: "customers", id, variables: { name }, meta: { gqlMutation: gql(RENAME) } });
await rename(`${prefix} one`);
const refused = await rename(" ").catch((error) => error);
if (!refused.message.startsWith("[GraphQL] ")) throw refused;
const { data } = await getMany({
  resource: "customers",
  ids: [id],
  meta: { gqlQuery: gql`query Many($filter: [ID!]!) { nodes(ids: $filter) { ... on Customer { id name } } }` },
});
// Its errors are sentences; the code is where urql keeps it.
const { error } = await client.mutation(RENAME, { id, name: " " });
const again = (await page(1)).data[0].name;
if (again !== data[0].name) throw new Error(`the list says ${again}`);
tell(seen.map(({ name }) => name), again, error.graphQLErrors[0].extensions.code);

import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { items, MAKE, PAGE, prefix, RENAME, tell, url } from "./story.mjs";

const policy = { fields: { customers: relayStylePagination(["where", "orderBy"]) } };
const client = new ApolloClient({
  cache: new InMemoryCache({ typePolicies: { Query: policy } }),
  // Queries travel in the address; Apollo names its operation in a header.
  link: new HttpLink({ uri: url, useGETForQueries: true, headers: { "apollo-require-preflight": "true" } }),
});
await client.mutate({ mutation: gql(MAKE), variables: { items } });

const watched = client.watchQuery({ query: gql(PAGE), variables: { prefix, first: 2 } });
watched.subscribe(() => {});
await watched.result?.();
const seen = () => client.readQuery({ query: gql(PAGE), variables: { prefix, first: 2 } });
await client.query({ query: gql(PAGE), variables: { prefix, first: 2 } });
while (seen().customers.pageInfo.hasNextPage) {
  const { endCursor } = seen().customers.pageInfo;
  await watched.fetchMore({ variables: { after: endCursor } });
}
const names = seen().customers.edges.map(({ node }) => node.name);
const { id } = seen().customers.edges[0].node;
await client.mutate({ mutation: gql(RENAME), variables: { id, name: `${prefix} one` } });
const refused = await client
  .mutate({ mutation: gql(RENAME), variables: { id, name: " " } })
  .catch((error) => error);
tell(
  names,
  // What stands in the cache by its id is renamed wherever it is shown.
  seen().customers.edges[0].node.name,
  CombinedGraphQLErrors.is(refused) && refused.errors[0].extensions.code,
);
client.stop();

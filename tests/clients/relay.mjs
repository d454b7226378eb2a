import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import relay from "relay-runtime";
import { items, prefix, tell, url } from "./story.mjs";

const require = createRequire(import.meta.url);
mkdirSync("generated/relay", { recursive: true });
writeFileSync("generated/relay/package.json", '{ "type": "commonjs" }');
const compiler = require.resolve("relay-compiler/cli.js");
execFileSync(process.execPath, [compiler, "relay.config.json"], { stdio: "pipe" });
const made = (name) => require(`./generated/relay/${name}.graphql.js`);

const { commitMutation, createOperationDescriptor, Environment, fetchQuery, getSelector } = relay;
const { Network, RecordSource, Store } = relay;
const ask = async ({ text, id }, variables) => {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query: text, variables }) });
  return answer.json();
};
const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
const change = (mutation, variables) =>
  new Promise((resolve, reject) =>
    commitMutation(environment, {
      mutation,
      variables,
      onCompleted: (data, errors) => resolve({ data, errors }),
      onError: (error) => resolve({ errors: error.source?.errors ?? [error] }),
    }),
  );
await change(made("documentsMakeMutation"), { items });

const page = made("documentsPageQuery");
let names;
for (let after = null, more = true; more; ) {
  const { customers } = await walked({ prefix, first: 2, after });
  names = customers.edges.map(({ node }) => node.name); // of all pages: Relay has joined them
  ({ endCursor: after, hasNextPage: more } = customers.pageInfo);
}
const kept = () => environment.getStore().getSource();
const id = kept().getRecordIDs().find((each) => kept().get(each)?.name === `${prefix} 1`);
await change(made("documentsRenameMutation"), { id, name: `${prefix} one` });
const { errors } = await change(made("documentsRenameMutation"), { id, name: " " });
tell(names, kept().get(id).name, errors[0].extensions?.code);

async function walked(variables) {
  await fetchQuery(environment, page, variables).toPromise();
  const { data } = environment.lookup(createOperationDescriptor(page, variables).fragment);
  return environment.lookup(getSelector(made("documents_page"), data)).data;
}

// Hears over a socket and over a stream of three customers who are made meanwhile, and prints what
// it heard. Both clients say by themselves that they are there; then the customers are made.
import { createClient as overSse } from "graphql-sse";
import { createClient as overWs } from "graphql-ws";
import WebSocket from "ws";

const [url, prefix] = process.argv.slice(2);
const query = /* GraphQL */ `
  subscription Live($prefix: String!) {
    customersChanged(where: { name: { startsWith: $prefix } }) {
      event
      nodes {
        name
      }
    }
  }
`;
const MAKE = `mutation ($name: String!) { createCustomer(input: { name: $name }) { customer { id } } }`;

async function make(name) {
  const body = JSON.stringify({ query: MAKE, variables: { name } });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  if ((await answer.json()).errors) throw new Error(`${name} was not made`);
}

// What a subscription tells of three customers; the first is made until it is heard of.
async function heard(client, name) {
  const told = client.iterate({ query, variables: { prefix: name } });
  const first = told.next();
  let isHeard = false;
  first.then(() => (isHeard = true));
  while (!isHeard) await make(`${name} 0`);
  for (const number of [1, 2, 3]) await make(`${name} ${number}`);
  const found = [];
  for await (const { data, errors } of told) {
    if (errors) throw new Error(JSON.stringify(errors));
    const [{ name: said }] = data.customersChanged.nodes;
    if (!said.endsWith(" 0")) found.push(said.replace(name, "").trim());
    if (found.length === 3) break;
  }
  return found.join(" ");
}

const socket = overWs({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, lazy: true });
console.log(`graphql-ws heard ${await heard(socket, `${prefix} ws`)}`);
await socket.dispose();
const stream = overSse({ url });
console.log(`graphql-sse heard ${await heard(stream, `${prefix} sse`)}`);
stream.dispose();
process.exit(0);

// The audits of GraphQL over HTTP; prints one line for each that is not ok, then the count.
import { auditServer } from "graphql-http";

// What stands in an address is answered only to whom a browser would have had to ask first.
const asked = { "apollo-require-preflight": "true" };
const audits = await auditServer({
  url: process.argv[2],
  fetchFn: (url, init = {}) => fetch(url, { ...init, headers: { ...asked, ...init.headers } }),
});
for (const each of audits.filter(({ status }) => status !== "ok")) {
  console.log(each.status, each.id, each.name, each.reason);
}
console.log(`${audits.filter(({ status }) => status === "ok").length} of ${audits.length} ok`);

// The audits of GraphQL over HTTP; prints one line for each that is not ok, then the count.
import { auditServer } from "graphql-http";

const audits = await auditServer({ url: process.argv[2] });
for (const each of audits.filter(({ status }) => status !== "ok")) {
  console.log(each.status, each.id, each.name, each.reason);
}
console.log(`${audits.filter(({ status }) => status === "ok").length} of ${audits.length} ok`);

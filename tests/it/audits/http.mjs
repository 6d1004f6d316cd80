// Runs the public audits of GraphQL over HTTP against an endpoint; prints what each came to, one line of JSON an audit.
import { createRequire } from "node:module";

const [tools, url] = process.argv.slice(2);
const { serverAudits } = createRequire(`${tools}/`)("graphql-http");
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status, reason: reason ?? "" }));
}

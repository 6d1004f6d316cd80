// Puts a host's graph beside a second subgraph, as a larger organisation does, and asks the gateway that joins them. Prints the
// answers, one line of JSON a question.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

const [tools, url, token, project] = process.argv.slice(2);
const require = createRequire(`${tools}/`);
const { composeServices } = require("@apollo/composition");
const { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } = require("@apollo/gateway");
const { buildSubgraphSchema } = require("@apollo/subgraph");
const { parse } = require("graphql");

const rooms = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  type Query { rooms: [Room!]! reception: Site }
  type Room { name: String! project: Project }
  type Project @key(fields: "id") { id: ID! rooms: [Room!]! }
  type Site @key(fields: "slug") { slug: String! phone: String! }
`);
const room = { name: "The library", project: { __typename: "Project", id: project } };
const resolvers = {
  Query: { rooms: () => [room], reception: () => ({ slug: "leeds", phone: "0113 496 0000" }) },
  Project: { rooms: ({ id }) => (id === project ? [room] : []) },
  Site: { __resolveReference: ({ slug }) => ({ slug, phone: "0113 496 0000" }) },
};

const asked = await fetch(url, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ query: "{ _service { sdl } }" }),
});
const { data } = await asked.json();
const { errors, supergraphSdl } = composeServices([
  { name: "champions", url, typeDefs: parse(data._service.sdl) },
  { name: "rooms", url: "http://rooms.test", typeDefs: rooms },
]);
if (errors) throw new Error(errors.map((error) => error.message).join("\n"));

const gateway = new ApolloGateway({
  supergraphSdl,
  buildService: ({ name }) =>
    name === "rooms"
      ? new LocalGraphQLDataSource(buildSubgraphSchema({ typeDefs: rooms, resolvers }))
      : new RemoteGraphQLDataSource({
          url,
          willSendRequest: ({ request }) => request.http.headers.set("authorization", `Bearer ${token}`),
        }),
});
const { executor, schema } = await gateway.load();
const queries = [
  "{ rooms { name project { title site { name } rooms { name } } } }",
  "{ reception { phone name kind } }",
  "{ projects(first: 5) { nodes { title rooms { name } } } }",
  "{ sites(first: 5) { nodes { slug phone } } }",
  "{ __schema { queryType { fields { name } } } }",
];
for (const query of queries) {
  const { http, ...answer } = await executor({
    request: { query },
    document: parse(query),
    queryHash: createHash("sha256").update(query).digest("hex"),
    schema,
    context: {},
    metrics: {},
    logger: console,
    cache: new Map(),
    overallCachePolicy: { policyIfCacheable: () => null, restrict: () => {} },
  });
  console.log(JSON.stringify(answer));
}
await gateway.stop();

// Starts GraphiQL against this host.
//
// `#token=…` fills in the Authorization header, `#query=…` and `#variables=…` the editors. What stands behind `#`
// never leaves the browser, and it is taken out of the address bar at once so that no token stays in the history.
"use strict";

(() => {
  const given = new URLSearchParams(location.hash.slice(1));
  if (location.hash) {
    history.replaceState(null, "", location.pathname);
  }

  const token = given.get("token");
  const headers = JSON.stringify({ Authorization: token ? `Bearer ${token}` : "" }, null, 2);
  const welcome = `# Ask this host. Ctrl+Space completes, Ctrl+Enter runs, the book on the left is the manual.
#
# Without a token you see what is public. With one, put it into Headers below:
#   { "Authorization": "Bearer …" }

{
  __typename
}
`;

  const send = GraphiQL.createFetcher({ url: "/graphql" });

  // An Authorization header that is still empty is left out: it would be a wrong token, not none.
  const fetcher = (params, options) => {
    const filled = Object.entries(options?.headers ?? {}).filter(
      ([name, value]) => name.toLowerCase() !== "authorization" || /^Bearer\s+\S/.test(value),
    );
    const asking = filled.some(([name]) => name.toLowerCase() === "authorization");
    document.getElementById("asking").textContent = asking ? "You ask with a token." : "You ask without a token.";
    return send(params, { ...options, headers: Object.fromEntries(filled) });
  };

  const props = {
    fetcher,
    defaultQuery: welcome,
    defaultHeaders: headers,
    defaultEditorToolsVisibility: "headers",
    // A token is not for the browser's storage.
    shouldPersistHeaders: false,
  };
  if (token || given.has("query")) {
    props.headers = headers;
    props.query = given.get("query") ?? welcome;
    props.variables = given.get("variables") ?? undefined;
  }
  ReactDOM.createRoot(document.getElementById("graphiql")).render(React.createElement(GraphiQL, props));
})();

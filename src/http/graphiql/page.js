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
  // A link with another token, followed in a window that is already here.
  addEventListener("hashchange", () => location.reload());

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

  // GraphiQL keeps each query it has run together with its headers. Here the headers are left out.
  const storage = {
    get length() {
      return localStorage.length;
    },
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, holdsHeaders.test(key) ? forgetful(value) : value),
    removeItem: (key) => localStorage.removeItem(key),
    clear: () => localStorage.clear(),
  };
  const holdsHeaders = /^graphiql:(queries|favorites)$/;
  const forgetful = (text) => JSON.stringify(JSON.parse(text), (key, value) => (key === "headers" ? undefined : value));

  const props = {
    fetcher,
    storage,
    defaultQuery: welcome,
    defaultHeaders: headers,
    defaultEditorToolsVisibility: "headers",
    // A token is not for the browser's storage, in tabs no more than in the history.
    shouldPersistHeaders: false,
  };
  if (token || given.has("query")) {
    props.headers = headers;
    props.query = given.get("query") ?? welcome;
    props.variables = given.get("variables") ?? undefined;
  }
  ReactDOM.createRoot(document.getElementById("graphiql")).render(React.createElement(GraphiQL, props));
})();

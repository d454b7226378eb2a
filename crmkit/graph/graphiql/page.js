"use strict";

// Relative, so that the page also works below a prefix.
const socket = new URL("graphql", location.href);
socket.protocol = socket.protocol.replace("http", "ws");
const fetcher = GraphiQL.createFetcher({ url: "graphql", subscriptionUrl: socket.href });
const defaultQuery = document.getElementById("example").content.textContent;

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery }),
);

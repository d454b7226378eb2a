"use strict";

// Relative, so that the page also works below a prefix.
const fetcher = GraphiQL.createFetcher({ url: "graphql" });
const defaultQuery = document.getElementById("example").content.textContent;

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery }),
);

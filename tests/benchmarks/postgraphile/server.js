// Serves it with Node's own server, at a free port, until it is interrupted.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { grafserv } from "postgraphile/grafserv/node";
import preset from "./graphile.config.js";

const server = createServer();
const serv = postgraphile(preset).createServ(grafserv);
await serv.addTo(server);
await serv.ready?.();
server.listen(0, "127.0.0.1", () => {
  console.log(`Serving at http://127.0.0.1:${server.address().port}/graphql`);
});

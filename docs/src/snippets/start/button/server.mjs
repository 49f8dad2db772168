import { readFileSync } from "node:fs";
import { createTokenIssuer } from "@quorumguard/sdk-node/tokens";
import express from "express";

const issuer = createTokenIssuer({ key: readFileSync("token-key.json", "utf8") });
const app = express();
app.disable("x-powered-by");

// The page may load its own files and call its own origin, and nothing else.
app.use((_, response, next) => {
  response.set("Content-Security-Policy", "default-src 'self'; connect-src 'self'");
  next();
});
app.use(express.static("public"));

app.post("/token", async (_, response) => {
  // Whoever your session says it is; never what the page says.
  const visitor = "user:42";
  response.set("Cache-Control", "no-store").type("text/plain");
  response.send(await issuer.mint({ key: visitor, policies: ["button"] }));
});

// The way to the nodes. In production a proxy does this: see deploy/nginx.
app.post("/limits/:service/:method", express.raw({ type: () => true, limit: "1mb" }), async (request, response) => {
  const names = ["authorization", "content-type", "connect-protocol-version", "connect-timeout-ms"];
  const headers = Object.fromEntries(names.map((name) => [name, request.get(name) ?? ""]));
  const path = request.path.slice("/limits".length);
  const answer = await fetch(`http://127.0.0.1:7402${path}`, { method: "POST", headers, body: request.body });
  response.status(answer.status).type(answer.headers.get("content-type") ?? "text/plain");
  response.send(Buffer.from(await answer.arrayBuffer()));
});

app.listen(3000, "127.0.0.1", () => console.log("listening on http://127.0.0.1:3000"));

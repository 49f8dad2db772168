import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { bodyText, createRateLimiter, factsOfNodeRequest } from "@quorumguard/middleware";
import { createGuard } from "@quorumguard/sdk-node";

const policies = { api: { limit: 100, window: "1m" } } as const;
const limiter = createRateLimiter<IncomingMessage, "api">({
  guard: createGuard({ policies }),
  policies,
  limits: "api",
});

async function answer(request: IncomingMessage, response: ServerResponse) {
  const { fields, denial } = await limiter.check(request, factsOfNodeRequest(request));
  for (const { name, value } of fields) response.setHeader(name, value);
  if (denial === null) response.end("hello\n");
  else response.writeHead(denial.status, denial.headers).end(bodyText(denial));
}

createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    // A mistake in the program, such as an unknown policy: uncaught, it would end the process.
    console.error(error);
    response.writeHead(500).end();
  });
}).listen(3000);

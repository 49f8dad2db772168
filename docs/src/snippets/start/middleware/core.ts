import { createServer, type IncomingMessage } from "node:http";
import { bodyText, createRateLimiter, factsOfNodeRequest } from "@quorumguard/middleware";
import { createGuard } from "@quorumguard/sdk-node";

const policies = { api: { limit: 100, window: "1m" } } as const;
const limiter = createRateLimiter<IncomingMessage, "api">({
  guard: createGuard({ policies }),
  policies,
  limits: "api",
});

createServer(async (request, response) => {
  const { fields, denial } = await limiter.check(request, factsOfNodeRequest(request));
  for (const { name, value } of fields) response.setHeader(name, value);
  if (denial === null) response.end("hello\n");
  else response.writeHead(denial.status, denial.headers).end(bodyText(denial));
}).listen(3000);

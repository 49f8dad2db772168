import { createServer } from "node:net";
import { expect, it } from "vitest";
import { fetchMembers } from "./member-client.ts";

it("asks all nodes at once: those that are stopped cost the time of one", async () => {
  // The system accepts for a process that is stopped, and nobody answers.
  const servers = await Promise.all(
    [1, 2, 3].map(async () => {
      const server = createServer((socket) => socket.on("error", () => {}));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  const timeoutMs = 1_500;
  const beganMs = performance.now();
  const asked = fetchMembers({
    endpoints: ports.map((port) => `127.0.0.1:${port}`),
    ca: null,
    token: () => null,
    timeoutMs,
  });
  await expect(asked).rejects.toThrow(/no node answers \(.*no answer within 1500 ms.*; .*; .*\)/);
  expect(performance.now() - beganMs).toBeLessThan(servers.length * timeoutMs);
  for (const server of servers) server.close();
});

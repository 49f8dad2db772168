import { createServer } from "node:net";
import { expect, it } from "vitest";
import { fetchMembers } from "./member-client.ts";

it("asks all nodes at once: those that are stopped cost the time of one", async () => {
  // Connections are taken, as the system does for a process that is stopped, and nobody answers.
  let [connected, mostAtOnce] = [0, 0];
  const servers = await Promise.all(
    [1, 2, 3].map(async () => {
      const server = createServer((socket) => {
        connected += 1;
        mostAtOnce = Math.max(mostAtOnce, connected);
        socket
          .on("error", () => {})
          .on("close", () => {
            connected -= 1;
          });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  const timeoutMs = 1_500;
  const asked = fetchMembers({
    endpoints: ports.map((port) => `127.0.0.1:${port}`),
    ca: null,
    token: () => null,
    timeoutMs,
  });
  await expect(asked).rejects.toThrow(/no node answers \(.*no answer within 1500 ms.*; .*; .*\)/);
  expect(mostAtOnce).toBe(servers.length);
  for (const server of servers) server.close();
});

import { freePorts, runExample } from "@quorumguard/testbed";
import { expect, it } from "vitest";
import type { Answer } from "./main.ts";
import { startServer } from "./server-process.ts";

it("counts each request exactly once, also those after the leader's death", { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await runExample("bun-server", "--json");
  const { answers } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { answers: readonly Answer[] };
  const statusesOf = (wanted: string) => answers.filter(({ path }) => path === wanted).map(({ status }) => status);
  expect(statusesOf("/quote"), stderr).toEqual([200, 200, 200, 200, 200, 429]);
  expect(statusesOf("/login/amber"), stderr).toEqual([204, 204, 429, 429]);
  expect(statusesOf("/login/birch"), stderr).toEqual([204, 204, 429]);
  for (const { status, source, retryAfter } of answers) {
    expect(["quorum", "leader"]).toContain(source);
    expect(retryAfter !== null).toBe(status === 429);
  }
  expect(stderr).toMatch(/kill -9 node \d, the leader/);
  expect(code).toBe(0);
});

it("without a cluster, counts quotes by itself and says so, and answers logins with 503; ends with 0 on SIGTERM", {
  timeout: 120_000,
}, async () => {
  const [nobody] = await freePorts(1);
  const server = await startServer([`http://127.0.0.1:${nobody}`]);
  try {
    const quotes = await Promise.all(Array.from({ length: 7 }, () => fetch(new URL("/quote", server.url))));
    expect(quotes.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429, 429]);
    for (const { headers } of quotes) expect(headers.get("quorumguard-source")).toBe("local");
    const login = await fetch(new URL("/login/amber", server.url), { method: "POST" });
    expect([login.status, login.headers.get("quorumguard-source")]).toEqual([503, "fail-closed"]);
    expect(await login.json()).toEqual({ reason: "unavailable" });
    const odd = await fetch(new URL(`/login/${"x".repeat(600)}`, server.url), { method: "POST" });
    expect([odd.status, await odd.json()]).toEqual([400, { reason: expect.stringMatching(/^key: /) }]);
  } finally {
    expect(await server.stop()).toBe(0);
  }
});

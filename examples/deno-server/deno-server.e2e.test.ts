import { freePorts, runExample } from "@quorumguard/testbed";
import { expect, it } from "vitest";
import type { Answer } from "./main.ts";
import { startServer } from "./server-process.ts";

it("counts each request exactly once, also those after the leader's death", { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await runExample("deno-server", "--json");
  const { answers } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { answers: readonly Answer[] };
  const fiveThenOne = [200, 200, 200, 200, 200, 429];
  const statusesOf = (caller: RegExp) =>
    answers.filter(({ apiKey }) => caller.test(apiKey)).map(({ status }) => status);
  expect(statusesOf(/amber/), stderr).toEqual([...fiveThenOne, 429]);
  expect(statusesOf(/birch/), stderr).toEqual(fiveThenOne);
  expect(statusesOf(/made-up/), stderr).toEqual(fiveThenOne);
  for (const { status, retryAfter, body } of answers) {
    expect(["quorum", "leader"]).toContain(body.source);
    if (status === 429) expect([body.reason, Number(retryAfter) > 0]).toEqual(["limited", true]);
  }
  expect(stderr).toMatch(/kill -9 node \d, the leader/);
  expect(code).toBe(0);
});

it("without a cluster, the process counts by itself, and says so; it ends with 0 on SIGTERM", {
  timeout: 120_000,
}, async () => {
  const [nobody] = await freePorts(1);
  const server = await startServer([`http://127.0.0.1:${nobody}`]);
  try {
    const responses = await Promise.all(Array.from({ length: 7 }, () => fetch(server.url)));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429, 429]);
    for (const response of responses) expect(await response.json()).toMatchObject({ source: "local" });
  } finally {
    expect(await server.stop()).toBe(0);
  }
});

import { freePorts, runExample } from "@quorumguard/testbed";
import { expect, it } from "vitest";
import { startWorker } from "./worker-process.ts";

it("loses no request to the leader's death, and counts each exactly once", { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await runExample("edge-worker", "--json");
  const result = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  expect(result, stderr).toMatchObject({
    first: [200, 200, 200, 200, 200, 429, 429],
    again: [429],
    other: 0,
    degraded: 0,
  });
  // 50 addresses ask 8 times a minute and may 5 times: neither a retry nor the new leader changes the sum.
  expect(result).toMatchObject({ requests: 400, ok: 250, denied: 150, addressesWithExactlyTheLimit: 50 });
  expect(result.leaderAfter).not.toBe(result.leaderBefore);
  expect(stderr).toContain(`kill -9 node ${result.leaderBefore}`);
  expect(stderr).toMatch(/429 +"api";r=0;t=(\d+) +\1 /);
  expect(code).toBe(0);
});

it("without a cluster, the isolate counts by itself over all its requests, and says so", {
  timeout: 120_000,
}, async () => {
  const [nobody] = await freePorts(1);
  const worker = await startWorker([`http://127.0.0.1:${nobody}`]);
  try {
    const ask = () => fetch(worker.url, { headers: { "cf-connecting-ip": "198.51.100.1" } });
    const responses = await Promise.all(Array.from({ length: 7 }, ask));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429, 429]);
    for (const { headers } of responses) expect(headers.get("quorumguard-source")).toBe("local");
    // A key that nobody issued counts for its address, which is denied.
    const madeUp = { "cf-connecting-ip": "198.51.100.1", "x-api-key": "made-up" };
    expect((await fetch(worker.url, { headers: madeUp })).status).toBe(429);
  } finally {
    await worker.stop();
  }
});

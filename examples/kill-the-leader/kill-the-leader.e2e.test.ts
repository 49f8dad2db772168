import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elementsOf, parseSvg, textOf } from "@quorumguard/pictures";
import { runExample, startLocalCluster } from "@quorumguard/testbed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kill-the-leader-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the example with a picture in this test's folder, to its end. */
async function runShow(...flags: string[]) {
  const svg = join(folder, "failover.svg");
  return { svg, ...(await runExample("kill-the-leader", "--json", "--svg", svg, ...flags)) };
}

/** The last line of standard output, which must be all of it. */
function resultOf({ code, stdout, stderr }: { code: unknown; stdout: string; stderr: string }) {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, number> & { svg: string };
}

async function expectPicture(file: string, gapMs: number): Promise<void> {
  const svg = parseSvg(await readFile(file, "utf8"));
  const words = elementsOf(svg, "text").map(textOf);
  // Once in the wide layout, once in the narrow one.
  expect(words.filter((word) => word === "kill -9")).toHaveLength(2);
  expect(words.filter((word) => word === `${gapMs} ms without an answer`)).toHaveLength(2);
}

describe("a cluster of its own", () => {
  it("loses no call when its leader is killed, and draws the gap that it reports", { timeout: 120_000 }, async () => {
    const run = await runShow();
    const result = resultOf(run);
    expect(result).toMatchObject({ failed: 0, degraded: 0, svg: run.svg });
    expect(result.leaderAfter).not.toBe(result.leaderBefore);
    expect(result.allowed! + result.denied!).toBe(result.calls);
    // One call every 5 ms from one second before the kill to two seconds after it, however slow the machine.
    expect(result.calls).toBeGreaterThanOrEqual(580);
    expect(result.gapMs).toBeGreaterThan(0);
    expect(run.stderr).toContain(`kill -9 node ${result.leaderBefore}`);
    expect(run.stderr).toContain(`${result.gapMs} ms without an answer`);
    await expectPicture(run.svg, result.gapMs!);
  });
});

describe("a running cluster", () => {
  it.skipIf(process.platform !== "linux")("finds the leader's process by its port", { timeout: 120_000 }, async () => {
    const cluster = await startLocalCluster();
    try {
      const before = await cluster.waitForLeader();
      const run = await runShow("--endpoints", cluster.endpoints.join(","));
      const result = resultOf(run);
      expect(result).toMatchObject({ failed: 0, degraded: 0, leaderBefore: before.nodeId });
      expect(await cluster.status(before.nodeId)).toBeNull();
      await expectPicture(run.svg, result.gapMs!);
    } finally {
      await cluster.stop();
    }
  });

  it("ends, and says why, when the command that kills fails", { timeout: 120_000 }, async () => {
    const cluster = await startLocalCluster();
    try {
      const { code, stdout, stderr } = await runShow("--endpoints", cluster.endpoints[0]!, "--kill", "exit 7; {node}");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/Command failed: sh -c exit 7; [123]\b/);
    } finally {
      await cluster.stop();
    }
  });

  it("says what is missing when nobody answers", { timeout: 120_000 }, async () => {
    const { code, stderr } = await runShow("--endpoints", "127.0.0.1:1");
    expect(code).toBe(1);
    expect(stderr).toContain("127.0.0.1:1 does not answer");
  });

  it("refuses --kill for a cluster of its own", async () => {
    const { code, stderr } = await runShow("--kill", "true");
    expect(code).toBe(1);
    expect(stderr).toContain("--kill needs --endpoints");
  });
});

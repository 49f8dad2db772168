import { expect, test } from "vitest";
import { runCommand } from "../command.fixture.ts";

const failover = (...args: string[]) => runCommand("./failover-main.ts", ...args);

test.each([
  ["kill", 2],
  ["stall-disk", 1],
] as const)(
  "%s: another leads, and no call fails, is degraded, beyond a limit or charged twice",
  {
    timeout: 120_000,
  },
  async (fault, trials) => {
    const { code, stdout, stderr } = await failover("--trials", String(trials), "--fault", fault, "--json");
    const lines = stdout.trim().split("\n");
    const [last, ...before] = lines.map((line) => JSON.parse(line) as Record<string, unknown>).reverse();
    expect(last, stderr).toEqual({
      ...{ fault, trials, failedCalls: 0, degraded: 0, overAdmitted: 0, chargedTwice: 0 },
      gapMs: { p50: expect.any(Number), p90: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
    });
    expect(code).toBe(0);
    expect(before).toHaveLength(trials);
    for (const { leaderBefore, leaderAfter } of before) expect(leaderAfter, stderr).not.toBe(leaderBefore);
  },
);

test("wrong usage says what to write, with status 2", async () => {
  const { code, stderr } = await failover("--fault", "earthquake");
  expect(code).toBe(2);
  expect(stderr).toBe('--fault is "earthquake": it must be kill, pause, partition, stall-disk or rolling-restart\n');
});

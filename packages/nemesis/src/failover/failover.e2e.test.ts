import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../failover-main.ts", import.meta.url));

/** Runs the command to its end. */
async function failover(...args: string[]): Promise<{ code: number | null; lines: string[]; errors: string }> {
  const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const [code] = await once(child, "close");
  return { code, lines: output.trim().split("\n"), errors };
}

test.each([
  ["kill", 2],
  ["stall-disk", 1],
] as const)(
  "%s: another leads, and no call fails, is degraded, beyond a limit or charged twice",
  {
    timeout: 120_000,
  },
  async (fault, trials) => {
    const { code, lines, errors } = await failover("--trials", String(trials), "--fault", fault, "--json");
    const [last, ...before] = lines.map((line) => JSON.parse(line) as Record<string, unknown>).reverse();
    expect(last, errors).toEqual({
      ...{ fault, trials, failedCalls: 0, degraded: 0, overAdmitted: 0, chargedTwice: 0 },
      gapMs: { p50: expect.any(Number), p90: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
    });
    expect(code).toBe(0);
    expect(before).toHaveLength(trials);
    for (const { leaderBefore, leaderAfter } of before) expect(leaderAfter, errors).not.toBe(leaderBefore);
  },
);

test("wrong usage says what to write, with status 2", async () => {
  const { code, errors } = await failover("--fault", "earthquake");
  expect(code).toBe(2);
  expect(errors).toBe('--fault is "earthquake": it must be kill, pause, partition, stall-disk or rolling-restart\n');
});

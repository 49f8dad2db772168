import { expect, test } from "vitest";
import { runCommand } from "./command.fixture.ts";
import type { NemesisResult } from "./run-nemesis.ts";

const nemesis = (...args: string[]) => runCommand("./main.ts", ...args);

test("real nodes under faults: nothing over-admitted, charged twice or lost", { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await nemesis("--seconds", "8", "--seed", "20", "--nodes", "3", "--json");
  const result = JSON.parse(stdout.trim().split("\n").at(-1)!) as NemesisResult;
  expect(result, stderr).toMatchObject({
    ...{ seconds: 8, seed: 20, overAdmitted: 0, chargedTwice: 0, acknowledgedLost: 0, degraded: 0 },
    ...{ history: "accepted", violations: [], folder: null },
  });
  expect(code).toBe(0);
  expect(result.allowed).toBeGreaterThan(0);
  expect(result.denied).toBeGreaterThan(0);
  expect(result.leased).toBeGreaterThan(0);
  expect(result.remembered).toBeGreaterThan(0);
  expect(Object.keys(result.faults).length).toBeGreaterThan(0);
});

test("wrong usage says what to write, with status 2", async () => {
  expect(await nemesis("--only", "earthquake")).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("kill"),
  });
});

import { runExample } from "@quorumguard/testbed";
import { expect, it } from "vitest";

it("admits three calls of four, and says when to come back", { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await runExample("first-limit");
  const lines = stdout.trimEnd().split("\n");
  expect(lines.slice(0, 3), stderr).toEqual([1, 2, 3].map((call) => `call ${call}: go ahead, ${3 - call} left`));
  const [, waitMs] = /^call 4: limited, try again in (\d+) ms$/.exec(lines[3] ?? "") ?? [];
  expect(Number(waitMs)).toBeGreaterThan(0);
  expect(Number(waitMs)).toBeLessThanOrEqual(60_000);
  expect([lines.length, code]).toEqual([4, 0]);
});

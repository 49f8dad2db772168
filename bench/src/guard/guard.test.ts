import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { runGuard } from "./run-guard.ts";

it("one object more per operation turns it red, by name, and one less than was accepted, too; without either, it stays green", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quorumguard-guard-"));
  try {
    const lines: string[] = [];
    const options = {
      ...{ paths: ["machine-apply-bucket"], measures: ["bytes"] as const, accept: false, waste: 0 },
      ...{
        baselines: pathToFileURL(path.join(folder, "baselines.json")),
        say: (line: string) => void lines.push(line),
      },
    };
    expect(await runGuard(options)).toBe(1);
    expect(lines.at(0)).toContain("no baseline");
    expect(await runGuard({ ...options, accept: true })).toBe(0);
    lines.length = 0;
    expect(await runGuard(options)).toBe(0);
    expect(lines).toHaveLength(1);
    expect(await runGuard({ ...options, waste: 1 })).toBe(1);
    expect(lines.at(1)).toMatch(
      /^machine-apply-bucket: .*WORSE.*--only machine-apply-bucket --measure bytes --accept$/,
    );
    expect(await runGuard({ ...options, waste: 1, accept: true })).toBe(0);
    lines.length = 0;
    expect(await runGuard(options)).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/BETTER.*--only machine-apply-bucket --measure bytes --accept$/),
      expect.stringContaining("0 worse than accepted, 1 better"),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

import { expect, it } from "vitest";
import { hotPaths } from "./hot-paths.ts";
import { runGuard } from "./run-guard.ts";

const baselines = new URL("../../guard-baselines.json", import.meta.url);

it.each([...hotPaths.keys()])("%s allocates no more than was accepted", async (path) => {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const status = await runGuard({ paths: [path], measures: ["bytes"], accept: false, baselines, waste: 0, say });
  expect(status, lines.join("\n")).toBe(0);
});

import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const page = fs.readFileSync(path.join(root, "docs/src/content/docs/operate/watch-nodes.mdx"), "utf8");
const sources = fs
  .globSync("packages/cluster/src/**/*.ts", { cwd: root })
  .filter((file) => !/\.(test|fixture|contract)\.ts$/.test(file))
  .map((file) => fs.readFileSync(path.join(root, file), "utf8"));

/** Levels and events that the code writes: `error damaged-log`. */
function written(): readonly string[] {
  const lines = sources.flatMap((source) => [
    ...[...source.matchAll(/\blog\(\s*"(\w+)",\s*"([a-z-]+)"/g)].map(([, level, event]) => `${level} ${event}`),
    // The level is the reason's.
    ...[...source.matchAll(/\blog\(levelOf\(\w+\), "([a-z-]+)"/g)].flatMap(([, event]) =>
      ["error", "warn"].map((level) => `${level} ${event}`),
    ),
    ...[...source.matchAll(/#problem\("([a-z-]+)"/g)].map(([, event]) => `warn ${event}`),
  ]);
  return [...new Set(lines)].sort();
}

/** The same, as the page's sections tell them. */
function told(): readonly string[] {
  const sections = { Errors: "error", Warnings: "warn", News: "info", "For a fault of ours": "debug" };
  return Object.entries(sections)
    .flatMap(([heading, level]) => {
      const part = page.split(/^### /m).find((one) => one.startsWith(`${heading}\n`)) ?? "";
      const named = level === "debug" ? [part] : part.split("\n").map((line) => /^\| (`[^|]+)\|/.exec(line)?.[1] ?? "");
      return named.flatMap((text) => [...text.matchAll(/`([a-z-]+)`/g)].map(([, event]) => `${level} ${event}`));
    })
    .sort();
}

test("the tables of the log have every event that a node writes, under its level, and no other", () => {
  expect(written().length).toBeGreaterThan(50);
  expect(told()).toEqual(written());
});

test("the table of alerts has each of them", () => {
  const rules = fs.readFileSync(path.join(root, "deploy/prometheus/rules.yml"), "utf8");
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  expect(alerts.length).toBeGreaterThan(4);
  expect([...new Set(page.match(/QuorumGuard[A-Z]\w+/g))].sort()).toEqual(alerts.sort());
});

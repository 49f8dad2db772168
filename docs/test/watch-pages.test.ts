import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");
const page = read("docs/src/content/docs/operate/watch-nodes.mdx");
const sources = fs
  .globSync("packages/cluster/src/**/*.ts", { cwd: root })
  .filter((file) => !/\.(test|fixture|contract)\.ts$/.test(file))
  .map(read);

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
  const rules = read("deploy/prometheus/rules.yml");
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  expect(alerts.length).toBeGreaterThan(4);
  expect([...new Set(page.match(/QuorumGuard[A-Z]\w+/g))].sort()).toEqual(alerts.sort());
});

test("the page on guards has every event, every warning, every channel and every metric of the SDK for Node", () => {
  const guards = read("docs/src/content/docs/operate/watch-guards.mdx");
  const telemetry = fs
    .globSync("packages/sdk-node/src/telemetry/*.ts", { cwd: root })
    .filter((file) => !file.includes(".test."));
  const [, events = ""] = /const eventTypes[^=]*= \[(.*?)\]/s.exec(read("packages/sdk-core/src/guard-events.ts")) ?? [];
  const names = [
    ...events.matchAll(/"(\w+)"/g),
    ...read("packages/sdk-node/src/create-guard.ts").matchAll(/"(QUORUMGUARD_(?!ENDPOINTS)\w+)"/g),
    ...telemetry.flatMap((file) => [...read(file).matchAll(/\("(quorumguard\.[\w.-]+)"/g)]),
  ].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => !guards.includes(`\`${name}\``))).toEqual([]);
});

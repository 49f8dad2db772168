import fs from "node:fs";
import path from "node:path";
import { expect, inject, it } from "vitest";
import { compile, compilers } from "./compile.ts";
import { closureOf, entriesOf, readPublished } from "./published-package.ts";

const { unpacked, service, edge } = inject("workbench");
const published = readPublished(unpacked);
const entries = published.flatMap(entriesOf);
const edgeEntries = closureOf("@quorumguard/sdk-web", published).flatMap(entriesOf);
/** A busy machine, and two compilers written in JavaScript; each run has one core and a folder of its own. */
const sideBySide = { timeout: 180_000, concurrent: true };

it("three compilers are checked", () => {
  expect(compilers).toEqual(["5.9", "6.0", "7.0"]);
});

it("the project of an edge worker has no types of Node to lean on", () => {
  expect(edge.failure).toBe(null);
  expect(fs.existsSync(path.join(edge.folder, "node_modules", "@types"))).toBe(false);
  expect(edgeEntries.map(({ specifier }) => specifier)).toContain("@quorumguard/sdk-web/edge");
});

const cells = compilers.flatMap((typescript) =>
  (["nodenext", "bundler"] as const).map((module) => ({ typescript, module })),
);

it.each(cells)("a Node service: TypeScript $typescript, $module", sideBySide, async ({ typescript, module }) => {
  expect(service.failure).toBe(null);
  const options = {
    ...{ typescript, module, lib: ["ES2023", "ESNext.Disposable"], types: ["node"] },
    sources: ["./consumers/node-service.ts", "./consumers/edge-worker.ts"],
    entries: entries.filter(({ hasPeers }) => !hasPeers),
  };
  expect(await compile(service.folder, options)).toBe("");
});

const nodeEntries = closureOf("@quorumguard/sdk-node", published).flatMap(entriesOf);

it.each(cells)(
  "a Node service without the types of Node: TypeScript $typescript, $module",
  sideBySide,
  async (cell) => {
    expect(service.failure).toBe(null);
    const options = { ...cell, lib: ["ES2023", "DOM"], types: [], sources: [], entries: nodeEntries };
    expect(await compile(service.folder, options)).toBe("");
  },
);

it.each(cells)("an edge worker: TypeScript $typescript, $module", sideBySide, async ({ typescript, module }) => {
  // Workers' types under one resolution and pages' under the other: neither may need the other's.
  const lib = ["ES2022", module === "nodenext" ? "WebWorker" : "DOM"];
  const options = { typescript, module, lib, types: [], sources: ["./consumers/edge-worker.ts"], entries: edgeEntries };
  expect(await compile(edge.folder, options)).toBe("");
});

it.each(compilers)("TypeScript %s refuses a mistake that nothing expects", sideBySide, async (typescript) => {
  const nowhere = { specifier: "@quorumguard/sdk-node/nowhere", folder: "sdk-node", hasPeers: false };
  const options = { typescript, lib: ["ES2022"], types: [], sources: [], entries: [nowhere], skipLibCheck: true };
  expect(await compile(edge.folder, { ...options, module: "bundler" })).toMatch(/entries\.ts.*TS2307/);
});

const withPeers = entries.filter(({ hasPeers }) => hasPeers);
/** One resolution is enough: they have the same exports as the others, and frameworks' types take long. */
const peerCells = withPeers.length === 0 ? [] : cells.filter(({ module }) => module === "nodenext");
it.each(peerCells)(
  "beside web frameworks: TypeScript $typescript, $module",
  sideBySide,
  async ({ typescript, module }) => {
    const options = {
      ...{ typescript, module, lib: ["ES2023", "ESNext.Disposable", "DOM"], types: ["node"], sources: [] },
      // Frameworks' own declarations are not ours to mend.
      ...{ skipLibCheck: true, entries: withPeers },
    };
    expect(await compile(service.folder, options)).toBe("");
  },
);

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { packFileName, publishedPackages, removeStaleOutput } from "./pack.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-pack-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function write(name: string): void {
  fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  fs.writeFileSync(path.join(folder, name), "");
}

it("a pack's name has no version, so that a command that was typed once works again", () => {
  expect(packFileName("@quorumguard/sdk-node")).toBe("quorumguard-sdk-node.tgz");
});

it("packs what is published and nothing that is private", () => {
  const names = publishedPackages().map(({ name }) => name);
  expect(names).toContain("@quorumguard/cluster");
  expect(names).toContain("@quorumguard/sdk-node");
  for (const name of ["sim", "testbed", "runtimes", "pictures"]) expect(names).not.toContain(`@quorumguard/${name}`);
});

it("output without a source is removed, all other output stays", () => {
  write("src/index.ts");
  write("src/deep/kept.ts");
  const kept = ["dist/index.js", "dist/index.d.ts", "dist/index.js.map", "dist/index.d.ts.map", "dist/deep/kept.js"];
  for (const name of [...kept, "dist/gone.js", "dist/gone.d.ts.map", "dist/deep/gone.d.ts"]) write(name);
  expect(removeStaleOutput(folder)).toEqual(["dist/deep/gone.d.ts", "dist/gone.d.ts.map", "dist/gone.js"]);
  for (const name of kept) expect(fs.existsSync(path.join(folder, name)), name).toBe(true);
});

it("of a bundled command stays what it loads, with maps and licences; an earlier bundle's files are removed", () => {
  write("src/cli/left.ts");
  const kept = [
    "main.js",
    "main.js.map",
    "first-AB12.js",
    "first-AB12.js.map",
    "later-CD34.js",
    "THIRD-PARTY-LICENSES.txt",
  ];
  const gone = ["left.js", "old-EF56.js", "old-EF56.js.map"];
  for (const name of [...kept, ...gone]) write(`dist/cli/${name}`);
  fs.writeFileSync(path.join(folder, "dist/cli/main.js"), 'import { a } from "./first-AB12.js";');
  fs.writeFileSync(path.join(folder, "dist/cli/first-AB12.js"), 'await import("./later-CD34.js");');
  expect(removeStaleOutput(folder)).toEqual(gone.map((name) => `dist/cli/${name}`));
  for (const name of kept) expect(fs.existsSync(path.join(folder, "dist/cli", name)), name).toBe(true);
});

it("a package that was never built has no stale output", () => {
  expect(removeStaleOutput(folder)).toEqual([]);
});

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Pack, packAll, publishedPackages } from "./pack.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-packs-"));
let packs: readonly Pack[] = [];

beforeAll(async () => {
  packs = await packAll(folder);
}, 120_000);
afterAll(() => fs.rmSync(folder, { recursive: true }));

interface Manifest {
  readonly version: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function tar(...flags: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync("tar", flags, { encoding: "utf8", maxBuffer: 64 << 20 });
  expect(status, stderr).toBe(0);
  return stdout;
}

describe.each(publishedPackages().map(({ name }) => name))("%s", (name) => {
  const fileOf = () => packs.find((pack) => pack.name === name)!.file;
  const listed = () => tar("tzf", fileOf()).trimEnd().split("\n");
  const manifest = () => JSON.parse(tar("xzOf", fileOf(), "package/package.json")) as Manifest;

  it("holds what its package.json names", () => {
    const files = listed();
    const { bin = {}, exports } = manifest();
    const named = [...Object.values(bin), ...Object.values(exports).flatMap((conditions) => Object.values(conditions))];
    expect(named.length).toBeGreaterThan(0);
    for (const file of named) expect(files).toContain(path.posix.join("package", file));
    for (const file of ["README.md", "LICENSE"]) expect(files).toContain(`package/${file}`);
  });

  it("holds no test, no fixture and nothing that only the workspace needs", () => {
    // The contract suite of the SDKs is an export: packages/runtimes runs it on runtimes that load packages only.
    const unwanted = /\.test\.|\.test-d\.|\.fixture\.|\/testing\/|\/contract\/|tsconfig|node_modules|\.turbo/;
    expect(listed().filter((file) => unwanted.test(file))).toEqual([]);
  });

  it("has a source for every map, and output for every source", () => {
    const files = new Set(listed());
    for (const file of files) {
      if (/^package\/src\/.*(?<!\.d)\.ts$/.test(file))
        expect(files, file).toContain(file.replace("/src/", "/dist/").replace(/\.ts$/, ".js"));
      if (/^package\/dist\/.*\.js$/.test(file))
        expect(files, file).toContain(file.replace("/dist/", "/src/").replace(/\.js$/, ".ts"));
    }
  });

  it("needs versions, not a workspace", () => {
    for (const [dependency, version] of Object.entries(manifest().dependencies ?? {}))
      expect(version, dependency).toMatch(/^\d+\.\d+\.\d+/);
  });
});

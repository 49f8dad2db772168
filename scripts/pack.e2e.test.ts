import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Pack, packAll, publishedPackages } from "./pack.ts";
import { inRepository } from "./repository.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-packs-"));
let packs: readonly Pack[] = [];

beforeAll(async () => {
  packs = await packAll(folder);
}, 120_000);
afterAll(() => fs.rmSync(folder, { recursive: true }));

interface Manifest {
  readonly version: string;
  readonly bin?: Readonly<Record<string, string>>;
  /** By name: one file, or one for each condition. */
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
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
    const filesOf = (entry: Manifest["exports"][string]) =>
      typeof entry === "string" ? [entry] : Object.values(entry);
    const named = [...Object.values(bin), ...Object.values(exports).flatMap(filesOf)];
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

describe("an edge project, without Node's types and with skipLibCheck off", () => {
  const project = path.join(folder, "edge project");
  const source = `import { createGuard } from "@quorumguard/sdk-web/edge";
import type { Decision, Guard } from "@quorumguard/sdk-web";

export default {
  async fetch(request: Request): Promise<Response> {
    await using guard: Guard = createGuard({ endpoints: ["http://127.0.0.1:7402"] });
    const decision: Decision = await guard.allow(request.url, 5, "1m");
    return new Response(decision.source, { status: decision.allowed ? 200 : 429 });
  },
};
`;

  /** The packs, unpacked; what they need from npm is what the workspace has installed. */
  function install(name: string): void {
    const modules = path.join(project, "node_modules");
    const target = path.join(modules, name);
    if (fs.existsSync(target)) return;
    fs.mkdirSync(target, { recursive: true });
    tar("xzf", packs.find((pack) => pack.name === name)!.file, "-C", target, "--strip-components=1");
    const { dependencies = {} } = JSON.parse(fs.readFileSync(path.join(target, "package.json"), "utf8")) as Manifest;
    for (const dependency of Object.keys(dependencies)) {
      if (dependency.startsWith("@quorumguard/")) install(dependency);
      else if (!fs.existsSync(path.join(modules, dependency))) {
        fs.mkdirSync(path.dirname(path.join(modules, dependency)), { recursive: true });
        const own = inRepository("packages", name.replace("@quorumguard/", ""), "node_modules", dependency);
        fs.symlinkSync(fs.realpathSync(own), path.join(modules, dependency));
      }
    }
  }

  it.each(["ES2022,WebWorker", "ES2022,DOM"])("type-checks with lib %s", { timeout: 60_000 }, (lib) => {
    install("@quorumguard/sdk-web");
    fs.writeFileSync(path.join(project, "edge.ts"), source);
    const compilerOptions = {
      ...{ strict: true, skipLibCheck: false, noEmit: true, types: [], lib: lib.split(",") },
      ...{ target: "ES2022", module: "ESNext", moduleResolution: "bundler" },
    };
    fs.writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["edge.ts"] }));
    const tsc = inRepository("node_modules", "typescript", "bin", "tsc");
    const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", project, "--pretty", "false"], {
      encoding: "utf8",
    });
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fencesOf } from "../docs/src/site/page-sources.ts";
import { inRepository } from "./repository.ts";

interface Block {
  /** `PAGE:LINE`. */
  readonly name: string;
  /** Of the file that holds its code, beside the others. */
  readonly file: string;
  readonly code: string;
}

const pages = fs.globSync(["*.md", "{bench,deploy,docs}/README.md", "{packages,examples}/*/README.md"], {
  cwd: inRepository(),
});
const blocks: readonly Block[] = pages.sort().flatMap((page) =>
  fencesOf(fs.readFileSync(inRepository(page), "utf8"))
    .filter(({ language }) => /^(?:[cm]?[tj]sx?|typescript|javascript)$/.test(language))
    .map(({ code, line }) => {
      const file = `${path.dirname(page).replaceAll("/", "-")}-${line}.ts`;
      return { name: `${page}:${line}`, file, code: `${code}\n` };
    }),
);

/** A folder of a user who has all packages installed: the real ones, from their sources. */
const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-readmes-")));

beforeAll(() => {
  const scope = path.join(folder, "node_modules", "@quorumguard");
  fs.mkdirSync(scope, { recursive: true });
  for (const name of fs.readdirSync(inRepository("packages"))) {
    fs.symlinkSync(inRepository("packages", name), path.join(scope, name), "junction");
  }
  // What the middleware's user has beside it.
  fs.mkdirSync(path.join(folder, "node_modules", "@types"));
  for (const name of ["express", "@types/express"]) {
    const installed = fs.realpathSync(inRepository("packages", "middleware", "node_modules", name));
    fs.symlinkSync(installed, path.join(folder, "node_modules", name), "junction");
  }
  for (const { file, code } of blocks) fs.writeFileSync(path.join(folder, file), code);
  fs.writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function run(flags: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn(process.execPath, flags, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => chunks.push(String(text)));
  const [code] = await once(child, "close");
  return { code, output: chunks.join("") };
}

/** The one block of a package's README. */
function blockOf(name: string): Block {
  const found = blocks.filter((block) => block.name.startsWith(`packages/${name}/README.md:`));
  expect(found).toHaveLength(1);
  return found[0]!;
}

it("the code of all READMEs compiles under the strictest settings", { timeout: 120_000 }, async () => {
  for (const name of ["cluster", "raft", "testbed", "sdk-core", "sdk-node", "sdk-web", "middleware"]) blockOf(name);
  const config = {
    extends: inRepository("tsconfig.base.json"),
    files: blocks.map(({ file }) => file),
    compilerOptions: {
      ...{ noEmit: true, noUnusedLocals: true, lib: ["ES2023", "ESNext.Disposable", "DOM"] },
      ...{ types: ["node"], typeRoots: [inRepository("node_modules", "@types")] },
    },
  };
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = inRepository("node_modules", "typescript", "bin", "tsc");
  expect(await run([tsc, "-p", folder, "--pretty", "false"])).toEqual({ code: 0, output: "" });
});

it("raft's code elects its one member and applies what was proposed", { timeout: 120_000 }, async () => {
  const { code, output } = await run(["--conditions=quorumguard-source", blockOf("raft").file]);
  expect(output).toMatch(/^1n? Uint8Array\(0\) \[\]\n2n? Uint8Array\(1\) \[ 42 \]\n$/);
  expect(code).toBe(0);
});

it("testbed's code starts nodes, kills the leader, brings it back and ends", { timeout: 120_000 }, async () => {
  const { code, output } = await run(["--conditions=quorumguard-source", blockOf("testbed").file]);
  expect(output).toBe("");
  expect(code).toBe(0);
});

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { judgeLint, judgeTypes } from "./judge-resolution.ts";

const sound = {
  "package/package.json": JSON.stringify({
    ...{ name: "x", version: "1.0.0", type: "module", license: "MIT", sideEffects: false, files: ["dist"] },
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
    engines: { node: ">=20" },
  }),
  "package/dist/index.js": "export const a = 1;\n",
  "package/dist/index.d.ts": "export declare const a: number;\n",
};

/** A tarball of these files. */
function pack(files: Readonly<Record<string, string>>): Uint8Array {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-tarball-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  const file = path.join(folder, "x.tgz");
  expect(spawnSync("tar", ["czf", file, "-C", folder, "package"]).status).toBe(0);
  return fs.readFileSync(file);
}

it("a package of ESM alone has nothing that is not justified", { timeout: 120_000 }, async () => {
  expect(await judgeTypes(pack(sound))).toEqual([]);
  expect(await judgeLint(pack(sound))).toEqual([]);
});

it("an export of a file that is not there is told by both", { timeout: 120_000 }, async () => {
  const tarball = pack({
    ...sound,
    "package/package.json": sound["package/package.json"].replaceAll("index.", "gone."),
  });
  expect((await judgeLint(tarball)).join()).toMatch(/error: .*gone\.js/);
  expect((await judgeTypes(tarball)).join()).toMatch(/NoResolution.*(node16|bundler)|has no types/);
});

it("types that are missing, or of another kind than the code, are told", { timeout: 120_000 }, async () => {
  const { "package/dist/index.d.ts": types, ...untyped } = sound;
  expect((await judgeTypes(pack(untyped))).length).toBeGreaterThan(0);
  const manifest = sound["package/package.json"].replace("index.d.ts", "index.d.cts");
  const wrong = { ...untyped, "package/package.json": manifest, "package/dist/index.d.cts": types };
  expect((await judgeTypes(pack(wrong))).join()).toContain("FalseCJS");
});

it("code of another kind than the package says is told", async () => {
  const wrong = { ...sound, "package/dist/index.js": "module.exports = { a: 1 };\n" };
  expect((await judgeLint(pack(wrong))).join()).toMatch(/warning|error/);
});

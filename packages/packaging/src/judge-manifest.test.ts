import { expect, it } from "vitest";
import { judgeManifest, repositoryUrl } from "./judge-manifest.ts";
import type { Manifest, PublishedPackage } from "./published-package.ts";

const manifest: Manifest = {
  ...{ name: "@quorumguard/x", version: "0.1.0", license: "MIT", type: "module", sideEffects: false },
  description: "A package that says what it is for.",
  engines: { node: ">=20.19.0" },
  repository: { type: "git", url: repositoryUrl, directory: "packages/x" },
  publishConfig: { access: "public", provenance: true },
  bin: { x: "./dist/main.js" },
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" }, "./schema.json": "./schema.json" },
  dependencies: { "@quorumguard/y": "0.1.0", yaml: "2.9.1" },
};
const files = [
  "LICENSE",
  "README.md",
  "dist/index.d.ts",
  "dist/index.js",
  "dist/main.js",
  "package.json",
  "schema.json",
];

function judge(changes: Partial<Manifest>, without: readonly string[] = []): readonly string[] {
  const present = files.filter((file) => !without.includes(file));
  const judged: PublishedPackage = {
    ...{ name: manifest.name, folder: "x", unpacked: "/x" },
    ...{ manifest: { ...manifest, ...changes }, files: present },
  };
  return judgeManifest(judged);
}

it("a package that is as it must be has no problem", () => {
  expect(judge({})).toEqual([]);
  expect(judge({ dependencies: { "@opentelemetry/api": "^1.9.0" } })).toEqual([]);
});

it.each([
  [{ license: "ISC" }, 'license is "ISC", and must be "MIT"'],
  [{ sideEffects: true }, "sideEffects is true, and must be false"],
  [{ engines: { node: ">=20" } }, 'engines.node is ">=20", and must be ">=20.19.0"'],
  [{ publishConfig: { access: "public" } }, "publishConfig.provenance is undefined, and must be true"],
  [{ repository: { ...manifest.repository, directory: "packages/y" } }, "repository.directory is"],
  [{ private: true }, "private is true, yet it was packed"],
  [{ description: "" }, "description is missing"],
  [{ exports: {}, bin: {} }, "exports names no file"],
  [{ dependencies: { yaml: "^2.0.0" } }, "dependencies.yaml is ^2.0.0, and must be an exact version"],
  [{ dependencies: { "@quorumguard/y": "workspace:*" } }, "dependencies.@quorumguard/y is workspace:*"],
  [{ dependencies: { "@quorumguard/y": "0.0.9" } }, "must be this package's own version 0.1.0"],
  [{ exports: { ".": { types: "./dist/gone.d.ts", default: "./dist/index.js" } } }, "dist/gone.d.ts is not in"],
  [{ bin: { x: "dist/gone.js" } }, "dist/gone.js is not in the tarball"],
] as const)("%j is told", (changes, problem) => {
  expect(judge(changes as Partial<Manifest>)).toEqual([expect.stringContaining(problem)]);
});

it.each(["README.md", "LICENSE", "dist/index.js", "schema.json"])("a tarball without %s is told", (file) => {
  expect(judge({}, [file])).toEqual([`${file} is not in the tarball`]);
});

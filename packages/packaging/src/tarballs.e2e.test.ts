import fs from "node:fs";
import path from "node:path";
import { describe, expect, inject, it } from "vitest";
import { bundledFolders, judgeContents, judgeSourceMaps } from "./judge-files.ts";
import { judgeManifest } from "./judge-manifest.ts";
import { judgeLint, judgeTypes } from "./judge-resolution.ts";
import { namedFiles, readPublished } from "./published-package.ts";

const { tarballs, unpacked } = inject("workbench");
const published = readPublished(unpacked);

it("there are packages to judge", () => {
  expect(published.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["@quorumguard/cluster", "@quorumguard/sdk-node", "@quorumguard/sdk-web"]),
  );
});

describe.each(published.map((each) => ({ name: each.name, each })))("$name", ({ each }) => {
  const read = (file: string) => fs.readFileSync(path.join(each.unpacked, file), "utf8");
  const tarball = () => fs.readFileSync(tarballs[each.folder]!);

  it("says what npm and its users need to know, and holds every file that it names", () => {
    expect(judgeManifest(each)).toEqual([]);
  });

  it("holds no test, no fixture and nothing that only the workspace needs", () => {
    expect(judgeContents(each.files, namedFiles(each.manifest), read)).toEqual([]);
  });

  it("has output for every source, and maps that lead to files of the tarball", () => {
    expect(each.files.filter((file) => file.endsWith(".js")).length).toBeGreaterThan(0);
    expect(judgeSourceMaps(each.files, read)).toEqual([]);
  });

  it("tells servers the version that it has", () => {
    const bundled = bundledFolders(each.files);
    const told = each.files
      .filter((file) => file.endsWith(".js") && !bundled.has(path.posix.dirname(file)))
      .flatMap((file) => [...read(file).matchAll(/\bVERSION = "([^"]*)"/g)].map(([, version]) => version));
    expect(new Set([...told, each.manifest.version])).toEqual(new Set([each.manifest.version]));
  });

  it("publint finds nothing", { timeout: 120_000 }, async () => {
    expect(await judgeLint(tarball())).toEqual([]);
  });

  it("arethetypeswrong finds nothing but what ESM alone means", { timeout: 120_000 }, async () => {
    expect(await judgeTypes(tarball())).toEqual([]);
  });
});

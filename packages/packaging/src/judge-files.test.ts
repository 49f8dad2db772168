import { describe, expect, it } from "vitest";
import { judgeContents, judgeSourceMaps } from "./judge-files.ts";

type Tree = Readonly<Record<string, string>>;

const map = (...sources: readonly string[]) => JSON.stringify({ version: 3, sources, mappings: "AAAA" });
const sound: Tree = {
  "src/index.ts": "export const a = 1;",
  "dist/index.js": "export const a = 1;\n//# sourceMappingURL=index.js.map",
  "dist/index.js.map": map("../src/index.ts"),
  "dist/index.d.ts": "export declare const a = 1;\n//# sourceMappingURL=index.d.ts.map",
  "dist/index.d.ts.map": map("../src/index.ts"),
};

describe("maps", () => {
  const judge = (tree: Tree) => judgeSourceMaps(Object.keys(tree), (file) => tree[file]!);
  const { "dist/index.js.map": _, ...withoutMap } = sound;
  const { "src/index.ts": __, ...withoutSource } = sound;

  it("are sound when each output has one that leads to its source", () => {
    expect(judge(sound)).toEqual([]);
  });

  it("are told of when they are missing, not named, empty or lead nowhere", () => {
    expect(judge(withoutMap)).toEqual(["dist/index.js names dist/index.js.map, which is not in the tarball"]);
    expect(judge({ ...sound, "dist/index.js": "export const a = 1;" })).toEqual(["dist/index.js names no source map"]);
    expect(judge(withoutSource)).toEqual([
      "dist/index.js.map names src/index.ts, which is not in the tarball",
      "dist/index.d.ts.map names src/index.ts, which is not in the tarball",
    ]);
    expect(judge({ ...sound, "dist/index.js.map": map() })).toEqual(["dist/index.js.map names no source"]);
    const empty = JSON.stringify({ sources: ["../src/index.ts"], mappings: "" });
    expect(judge({ ...sound, "dist/index.js.map": empty })).toEqual(["dist/index.js.map maps nothing"]);
  });

  it("a source without output is told", () => {
    expect(judge({ ...sound, "src/new.ts": "" })).toEqual(["src/new.ts has no output dist/new.js"]);
  });

  it("of a bundle need no output of each source, and hold the sources that the tarball does not", () => {
    const text = "var b = 1;\nexport { b };\n//# sourceMappingURL=main.js.map";
    const bundle = {
      "src/cli/main.ts": "",
      "src/cli/other.ts": "",
      "dist/cli/main.js": text,
      "dist/cli/THIRD-PARTY-LICENSES.txt": "MIT",
      "dist/cli/hands-on.js": 'import { b } from "./main.js";\nexport { b };\n//# sourceMappingURL=hands-on.js.map',
      "dist/cli/hands-on.js.map": JSON.stringify({ sources: [], mappings: "" }),
    };
    const holding = (...contents: readonly (string | null)[]) => ({
      "dist/cli/main.js.map": JSON.stringify({
        sources: ["../../src/cli/main.ts", "../../../raft/src/log.ts"],
        ...{ sourcesContent: contents, mappings: "AAAA" },
      }),
    });
    expect(judge({ ...sound, ...bundle, ...holding(null, "log") })).toEqual([]);
    expect(judge({ ...sound, ...bundle, ...holding("main", null) })).toEqual([
      "dist/cli/main.js.map names ../raft/src/log.ts, which is not in the tarball",
    ]);
    const unmapped = { "dist/cli/main.js.map": JSON.stringify({ sources: [], mappings: "" }) };
    expect(judge({ ...sound, ...bundle, ...unmapped })).toEqual(["dist/cli/main.js.map maps nothing"]);
    const { "dist/cli/THIRD-PARTY-LICENSES.txt": _licences, ...unlicensed } = bundle;
    expect(judge({ ...sound, ...unlicensed, ...holding(null, "log") })).toEqual([
      "src/cli/other.ts has no output dist/cli/other.js",
      "dist/cli/hands-on.js.map maps nothing",
    ]);
  });
});

describe("contents", () => {
  const judge = (tree: Tree, ...starts: readonly string[]) =>
    judgeContents(Object.keys(tree), ["dist/index.js", ...starts], (file) => tree[file]!);

  it("tests, fixtures and configurations are told, whoever imports them", () => {
    const stray = { "src/a.test.ts": "", "dist/a.fixture.js": "", "tsconfig.json": "", ".turbo/log": "" };
    expect(judge({ ...sound, ...stray })).toEqual(
      Object.keys(stray).map((file) => `${file} is of use to the workspace only`),
    );
    expect(judge({ "dist/index.js": 'import "./a.fixture.js"', "dist/a.fixture.js": "" })).toHaveLength(1);
  });

  it("what tests need is told, unless an entry offers it", () => {
    const kit = {
      "dist/testing/index.js": 'export * from "./clock.js";',
      "dist/testing/clock.js": "",
      "src/testing/clock.ts": "",
      "dist/testing/clock.d.ts.map": "",
    };
    expect(judge({ ...sound, ...kit })).toHaveLength(4);
    expect(judge({ ...sound, ...kit }, "dist/testing/index.js", "dist/testing/index.d.ts")).toEqual([]);
    const other = { "dist/storage/testing/disk.js": "" };
    expect(judge({ ...sound, ...kit, ...other }, "dist/testing/index.js")).toHaveLength(1);
  });

  it("a module that is started by its name, as a worker is, is used", () => {
    const tree = { "dist/index.js": 'new URL("./testing/worker.js", import.meta.url)', "dist/testing/worker.js": "" };
    expect(judge(tree)).toEqual([]);
  });
});

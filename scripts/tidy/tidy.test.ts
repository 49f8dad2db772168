import { describe, expect, it } from "vitest";
import { checkFiles } from "./check-repository.ts";
import type { Manifest } from "./dead-files.ts";
import { checkLayers } from "./layers.ts";
import { checkNames } from "./names.ts";
import { checkPurity } from "./purity.ts";
import { checkSizes } from "./sizes.ts";
import { type Finding, parseSource } from "./source-file.ts";
import { checkTimedSleeps } from "./timed-sleeps.ts";

function messages(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ line, message }) => `${line}: ${message}`);
}

function layers(path: string, ...specifiers: readonly string[]): readonly string[] {
  const text = specifiers.map((specifier) => `import "${specifier}";`).join("\n");
  return messages(checkLayers(parseSource(path, text)));
}

describe("layers", () => {
  it("let every package import what is below it", () => {
    expect(layers("packages/cluster/src/node/a.ts", "@quorumguard/raft", "@quorumguard/limiter", "node:fs")).toEqual(
      [],
    );
    expect(layers("packages/sdk-web/src/a.ts", "@quorumguard/sdk-core", "@quorumguard/proto")).toEqual([]);
    expect(layers("packages/sim/src/a.ts", "@quorumguard/cluster", "@quorumguard/sdk-core")).toEqual([]);
    expect(layers("packages/cluster/src/cli/allow.ts", "@quorumguard/sdk-node", "../server/a.ts")).toEqual([]);
  });

  it.each([
    ["packages/raft/src/a.ts", "@quorumguard/limiter"],
    ["packages/limiter/src/a.ts", "@quorumguard/proto"],
    ["packages/sdk-core/src/a.ts", "@quorumguard/raft"],
    ["packages/sdk-core/src/a.ts", "@quorumguard/sdk-node"],
    ["packages/cluster/src/node/a.ts", "@quorumguard/sdk-node"],
    ["packages/cluster/src/cli/a.ts", "@quorumguard/sim"],
    ["packages/cluster/src/a.test.ts", "@quorumguard/sim"],
    ["bench/src/a.ts", "@quorumguard/sim"],
    ["packages/sdk-web/src/a.ts", "node:crypto"],
    ["packages/mystery/src/a.ts", "@quorumguard/raft"],
    ["packages/raft/src/a.ts", "../../limiter/src/rule.ts"],
    ["packages/raft/src/a.ts", "./b"],
    ["packages/raft/src/a.ts", "./b.test.ts"],
    ["packages/cluster/src/storage/a.ts", "../transport/b.ts"],
    ["packages/cluster/src/transport/a.ts", "../node/b.ts"],
    ["packages/cluster/src/node/a.ts", "../server/b.ts"],
    ["packages/cluster/src/clock.ts", "./node/b.ts"],
    ["packages/cluster/src/node/a.ts", "../oddments/b.ts"],
  ])("refuse in %s the import of %s", (path, specifier) => {
    expect(layers(path, specifier)).toHaveLength(1);
  });

  it("see type imports, re-exports and import() as well", () => {
    const text = `
      import type { A } from "@quorumguard/limiter";
      export * from "@quorumguard/proto";
      export const later = () => import("@quorumguard/cluster");
      type B = import("@quorumguard/sdk-core").B;`;
    expect(checkLayers(parseSource("packages/raft/src/a.ts", text))).toHaveLength(4);
  });
});

describe("purity", () => {
  const pure = (text: string, path = "packages/raft/src/a.ts") => messages(checkPurity(parseSource(path, text)));

  it.each([
    "const now = Date.now();",
    "const at = new Date();",
    "let at: Date;",
    "const chance = Math.random();",
    "const root = Math.log2(8);",
    "async function f() {}",
    "const f = async () => 1;",
    "class A { async f() {} }",
    "const p = Promise.resolve();",
    "setTimeout(f, 1);",
    "queueMicrotask(f);",
    "console.log(1);",
    "const e = process.env;",
    "const g = globalThis;",
    "const o = { process };",
    'const later = import("./b.ts");',
  ])("refuses %s", (text) => {
    expect(pure(text)).not.toEqual([]);
  });

  it("knows a member from a variable, and a comment from code", () => {
    expect(pure("// Date.now() is banned\nframe.process(); const a = { console: Math.max(1, 2) };")).toEqual([]);
    expect(pure('const text = "setTimeout";')).toEqual([]);
  });

  it("leaves tests and other packages alone", () => {
    expect(pure("Date.now();", "packages/raft/src/a.test.ts")).toEqual([]);
    expect(pure("Date.now();", "packages/cluster/src/a.ts")).toEqual([]);
  });
});

describe("sizes", () => {
  const lines = (count: number) => "export {};\n".repeat(count);
  const sizes = (path: string, text: string) => messages(checkSizes(parseSource(path, text)));

  it("bound a source, a test and an index, each at its own number of lines", () => {
    for (const [path, bound] of [
      ["packages/raft/src/a.ts", 500],
      ["packages/raft/src/a.test.ts", 1_000],
      ["packages/raft/src/index.ts", 60],
    ] as const) {
      expect(sizes(path, lines(bound))).toEqual([]);
      expect(sizes(path, lines(bound + 1))).toHaveLength(1);
    }
  });

  it("bound functions at 70 lines, and name them", () => {
    const body = (count: number) => `{\n${"  0;\n".repeat(count)}}`;
    expect(sizes("packages/raft/src/a.ts", `function small() ${body(68)}`)).toEqual([]);
    expect(sizes("packages/raft/src/a.ts", `function large() ${body(69)}`)).toEqual([
      expect.stringContaining("large() has 71 lines, at most 70"),
    ]);
    expect(sizes("packages/raft/src/a.ts", `const arrow = () => ${body(69)};`)).toHaveLength(1);
    expect(sizes("packages/raft/src/a.ts", `class A { method() ${body(69)} }`)).toHaveLength(1);
    expect(sizes("packages/raft/src/a.test.ts", `describe("x", () => ${body(200)});`)).toEqual([]);
  });
});

describe("sizes of factories", () => {
  const sizes = (text: string) => messages(checkSizes(parseSource("packages/raft/src/a.ts", text)));
  const body = (count: number) => `{\n${"  0;\n".repeat(count)}}`;

  it("count each named function for itself, and callbacks for the function that they serve", () => {
    const factory = (inner: string) => `function createThing() {\n${inner}\n}`;
    expect(sizes(factory(`const one = () => ${body(60)};\nfunction two() ${body(60)}`))).toEqual([]);
    expect(sizes(factory(`return {\none() ${body(60)},\ntwo: () => ${body(60)},\n};`))).toEqual([]);
    expect(sizes(factory(`const one = () => ${body(90)};`))).toEqual([expect.stringContaining("one() has 92 lines")]);
    expect(sizes(factory(`each(() => ${body(60)});\neach(() => ${body(60)});`))).toEqual([
      expect.stringContaining("createThing() has 126 lines"),
    ]);
  });

  it("stop at 200 lines in all", () => {
    const factory = (count: number) =>
      `function createThing() {\n${Array.from({ length: count }, (_, i) => `const f${i} = () => ${body(48)};`).join("\n")}\n}`;
    expect(sizes(factory(3))).toEqual([]);
    expect(sizes(factory(4))).toEqual([expect.stringContaining("202 lines with the functions inside it, at most 200")]);
  });
});

describe("names", () => {
  const names = (path: string, text = "") => messages(checkNames(parseSource(path, text)));

  it("are kebab-case", () => {
    expect(names("packages/sdk-core/src/call-batch.prop.test.ts")).toEqual([]);
    expect(names("packages/sdk-core/src/callBatch.ts")).toHaveLength(1);
    expect(names("packages/sdk-core/src/Some_Folder/a.ts")).toHaveLength(1);
  });

  it("are documented where they are exported", () => {
    expect(names("packages/raft/src/a.ts", "/** One. */\nexport const one = 1;\nexport const two = 2;\n")).toEqual([]);
    expect(
      names("packages/raft/src/a.ts", "/** One. */\nexport const one = 1;\n\nexport const two = 2;\n"),
    ).toHaveLength(1);
    expect(names("packages/raft/src/a.ts", "// One.\nexport const one = 1;")).toHaveLength(1);
    expect(names("packages/raft/src/a.ts", "/** T. */\nexport const T = {};\n\nexport type T = string;")).toEqual([]);
    expect(
      names("packages/raft/src/a.ts", "export interface A {}\nexport class B {}\nexport function c() {}"),
    ).toHaveLength(3);
    expect(names("packages/raft/src/a.test.ts", "export const one = 1;")).toEqual([]);
  });

  it("stand in index.ts one by one, and never default", () => {
    expect(names("packages/raft/src/index.ts", 'export * from "./raft.ts";')).toHaveLength(1);
    expect(names("packages/proto/src/index.ts", 'export * from "./gen/a_pb.ts";')).toEqual([]);
    expect(names("packages/raft/src/a.ts", "/** A. */\nexport default 1;")).toHaveLength(1);
    expect(names("packages/sdk-web/src/contract/contract-worker.ts", "/** A. */\nexport default {};")).toEqual([]);
  });
});

describe("timed sleeps", () => {
  const sleeps = (path: string, text: string) => messages(checkTimedSleeps(parseSource(path, text)));

  it.each([
    "await new Promise((resolve) => setTimeout(resolve, 50));",
    "await new Promise((done) => { setTimeout(done, 50); });",
    'import { setTimeout as sleep } from "node:timers/promises";',
  ])("are refused in tests: %s", (text) => {
    expect(sleeps("packages/cluster/src/a.test.ts", text)).toHaveLength(1);
    expect(sleeps("packages/cluster/src/a.ts", text)).toEqual([]);
  });

  it("are not confused with a time limit or an event", () => {
    expect(sleeps("packages/cluster/src/a.test.ts", "const timer = setTimeout(fail, 50);")).toEqual([]);
    expect(sleeps("packages/cluster/src/a.test.ts", 'await new Promise((r) => child.once("exit", r));')).toEqual([]);
  });
});

describe("dead files", () => {
  const manifest: Manifest = {
    folder: "packages/cluster",
    bin: { quorumguard: "./dist/cli/main.js" },
    exports: { ".": { "quorumguard-source": "./src/index.ts", default: "./dist/index.js" } },
  };
  const dead = (texts: Readonly<Record<string, string>>) =>
    checkFiles(
      Object.entries(texts).map(([name, text]) => parseSource(`packages/cluster/src/${name}`, text)),
      [manifest],
    )
      .filter((finding) => finding.message.startsWith("dead file"))
      .map((finding) => finding.path.slice("packages/cluster/src/".length));

  it("are those that no export, command, test or started file reaches", () => {
    expect(
      dead({
        "index.ts": 'export { a } from "./a.ts";',
        "a.ts": 'const worker = new URL("./worker.ts", import.meta.url);',
        "worker.ts": 'import "./below.ts";',
        "below.ts": "",
        "cli/main.ts": 'import "./flags.ts";',
        "cli/flags.ts": "",
        "some.test.ts": 'import "./helper.ts";',
        "helper.ts": 'import "./used.fixture.ts";',
        "used.fixture.ts": "",
        "unused.fixture.ts": "",
        "forgotten.ts": 'import "./also-forgotten.ts";',
        "also-forgotten.ts": "",
      }),
    ).toEqual(["unused.fixture.ts", "forgotten.ts", "also-forgotten.ts"]);
  });
});

it("a file that does not parse is a finding, not a crash", () => {
  expect(checkFiles([parseSource("scripts/a.ts", "const = ;")], [])).not.toEqual([]);
});

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { entriesOf, readPublished } from "./published-package.ts";
import { runProgram } from "./run-program.ts";

const { unpacked, service } = inject("workbench");
const specifiers = readPublished(unpacked)
  .flatMap(entriesOf)
  .map(({ specifier }) => specifier);
const command = path.join(service.folder, "node_modules", "@quorumguard", "cluster", "dist", "cli", "main.js");
const runtimes = [
  { runtime: "Node 20", node: fileURLToPath(new URL("../node_modules/node-20/bin/node", import.meta.url)) },
  { runtime: "Node 24", node: process.execPath },
];
const timeout = 180_000;

let cluster: LocalCluster;
beforeAll(async () => {
  expect(service.failure).toBe(null);
  cluster = await startLocalCluster({ command });
}, 120_000);
afterAll(() => cluster?.stop());

/** Runs a script of the project, `.mjs` or `.cjs`. */
async function run(node: string, name: string, code: string, flags: readonly string[] = []) {
  fs.writeFileSync(path.join(service.folder, name), code);
  return runProgram(node, [...flags, name], { cwd: service.folder, timeoutMs: 120_000 });
}

/** Two are admitted and the third is not; `load` binds createGuard. */
const asks = (load: string, endpoints: readonly string[], key: string) => `${load}
(async () => {
  const guard = createGuard({ endpoints: ${JSON.stringify(endpoints)}, onUnavailable: "throw", timeoutMs: 10_000 });
  for (let call = 0; call < 3; call++) {
    const { allowed, remaining, degraded } = await guard.allow(${JSON.stringify(key)}, 2, "1h");
    console.log(allowed, remaining, degraded);
  }
  await guard.close();
})();
`;

describe.each(runtimes)("on $runtime", ({ runtime, node }) => {
  const sdks = [
    { sdk: "@quorumguard/sdk-node", endpoints: () => cluster.endpoints },
    { sdk: "@quorumguard/sdk-web/edge", endpoints: () => cluster.nodes.map(({ httpUrl }) => httpUrl) },
  ];

  it.each(sdks)("$sdk decides, imported and required", { timeout }, async ({ sdk, endpoints }) => {
    for (const [file, load] of [
      ["asks.mjs", `import { createGuard } from "${sdk}";`],
      ["asks.cjs", `const { createGuard } = require("${sdk}");`],
    ] as const) {
      const result = await run(node, file, asks(load, endpoints(), `${runtime} ${sdk} ${file}`));
      expect(result, file).toEqual({ status: 0, stdout: "true 1 false\ntrue 0 false\nfalse 0 false\n", stderr: "" });
    }
  });

  it("every entry of every package loads, and is the same imported and required", { timeout }, async () => {
    const code = `const names = ${JSON.stringify(specifiers)};
(async () => {
  for (const name of names) {
    const required = require(name);
    const imported = await import(name);
    if (required !== imported && Object.keys(imported).some((key) => required[key] !== imported[key]))
      throw new Error(name + " is another module when it is required");
    console.log(name, Object.keys(imported).length > 0);
  }
})();
`;
    const { status, stdout, stderr } = await run(node, "loads.cjs", code);
    const lines = stdout.trimEnd().split("\n");
    // A package of types alone has no names at run time, which no entry is today.
    expect({ status, lines, stderr }).toEqual({
      status: 0,
      lines: specifiers.map((name) => `${name} true`),
      stderr: "",
    });
  });

  it("the command starts, and says what it can do", { timeout }, async () => {
    const bin = path.join(service.folder, "node_modules", ".bin", "quorumguard");
    const { status, stdout, stderr } = await runProgram(node, [bin, "--help"], {
      cwd: service.folder,
      timeoutMs: 120_000,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^ {2}quorumguard dev /m);
  });

  it("a stack names the lines of the sources, by the maps", { timeout }, async () => {
    // Errors of the SDK's own begin at the caller's line; one that a caller's code throws inside of it shows how it came there.
    const code = `import { createGuard } from "@quorumguard/sdk-node";
createGuard({ get timeoutMs() { throw new Error("the caller's own"); } });
`;
    const { status, stderr } = await run(node, "throws.mjs", code, ["--enable-source-maps"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/the caller's own/);
    expect(stderr).toMatch(/@quorumguard\/sdk-(core|node)\/src\/.*\.ts:\d+/);
  });
});

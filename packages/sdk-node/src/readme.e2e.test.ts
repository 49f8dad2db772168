import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));
const repository = path.join(here, "../../..");
const sdks = ["sdk-core", "sdk-node", "sdk-web"] as const;
const readmeOf = (sdk: string) => readFile(path.join(repository, "packages", sdk, "README.md"), "utf8");

/** The one example of a README. */
async function exampleOf(sdk: string): Promise<string> {
  const examples = [...(await readmeOf(sdk)).matchAll(/```ts\n([\s\S]*?)```/g)];
  expect(examples).toHaveLength(1);
  return examples[0]![1]!;
}

/** Runs a command to its end with its output; the sources stand for the packages. */
async function run(command: string, flags: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(command, flags, { cwd: here, stdio: ["ignore", "pipe", "pipe"] });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => chunks.push(String(text)));
  const [code] = await once(child, "close");
  return { code, output: chunks.join("") };
}

describe.each(sdks)("the README of %s", (sdk) => {
  test("fits a screen, and links to files that exist", async () => {
    const text = await readmeOf(sdk);
    expect(text.split("\n").length).toBeLessThanOrEqual(64);
    for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      expect(existsSync(path.join(repository, "packages", sdk, link)), link).toBe(true);
    }
  });
});

describe("their examples", () => {
  let folder: string;
  let cluster: LocalCluster;
  beforeAll(async () => {
    // In a package that depends on all of them.
    folder = await mkdtemp(path.join(repository, "packages/runtimes/src/readme-"));
    cluster = await startLocalCluster();
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("compile under the strictest settings", { timeout: 120_000 }, async () => {
    for (const sdk of sdks) await writeFile(path.join(folder, `${sdk}.ts`), await exampleOf(sdk));
    const config = {
      extends: "../../../../tsconfig.base.json",
      include: ["*.ts"],
      compilerOptions: { types: ["node"], noEmit: true, lib: ["ES2023", "ESNext.Disposable", "DOM"] },
    };
    await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = path.join(repository, "node_modules/typescript/bin/tsc");
    expect(await run(process.execPath, [tsc, "-p", folder])).toEqual({ code: 0, output: "" });
  });

  test.each(["sdk-node", "sdk-web"])(
    "that of %s is at most ten lines, decides on a real cluster and ends",
    async (sdk) => {
      const example = await exampleOf(sdk);
      expect(example.trimEnd().split("\n").length).toBeLessThanOrEqual(12);
      const addresses = cluster.nodes.map((node) => (sdk === "sdk-node" ? node.grpcEndpoint : node.httpUrl));
      const here = example.replace(/endpoints: \[[^\]]*\]/, `endpoints: ${JSON.stringify(addresses)}`);
      const file = path.join(folder, `${sdk}.run.ts`);
      await writeFile(file, here);
      const decide = () => run(process.execPath, ["--conditions=quorumguard-source", file]);
      let end = await decide();
      // It has the default deadline: a machine so busy that a second passes has it decide by itself, and say so.
      for (let left = 5; left > 0 && end.output.trim() === "true 99 local"; left -= 1) end = await decide();
      expect(end.output.trim()).toMatch(/^true 9\d quorum$/);
      expect(end.code).toBe(0);
    },
  );
});

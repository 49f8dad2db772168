import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = path.dirname(fileURLToPath(import.meta.url));
const sources = fs.globSync("{start,concepts,operate,internals}/**/*.{ts,mjs}", { cwd: folder }).sort();
const outputOf = (source: string) => source.replace(/\.\w+$/, ".out");
const runnable = sources.filter((source) => fs.existsSync(path.join(folder, outputOf(source))));

/** Copies, with the ports of the test's cluster, where the packages of the documentation are found. */
const scratch = path.join(folder, "../../.astro/snippets");
let cluster: LocalCluster;

beforeAll(async () => {
  fs.mkdirSync(scratch, { recursive: true });
  cluster = await startLocalCluster();
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** What users type, but for the ports. */
function withOurPorts(text: string): string {
  return text.replaceAll(/127\.0\.0\.1:74([012])([02])\b/g, (_, node: string, listener: string) => {
    const { grpcEndpoint, httpUrl } = cluster.nodes[Number(node)]!;
    return listener === "0" ? grpcEndpoint : httpUrl.slice("http://".length);
  });
}

/** Numbers of two digits and more are times and places in a log; those of one digit are counts, and must agree. */
function comparable(text: string): readonly string[] {
  return text
    .replaceAll(/\d{2,}/g, "#")
    .trimEnd()
    .split("\n");
}

async function run(source: string): Promise<{ readonly printed: string; readonly code: number | null }> {
  const copy = path.join(scratch, source.replaceAll("/", "-"));
  fs.writeFileSync(copy, withOurPorts(fs.readFileSync(path.join(folder, source), "utf8")));
  const child = spawn(process.execPath, ["--disable-warning=QUORUMGUARD_DEGRADED", copy], {
    env: { ...process.env, QUORUMGUARD_ENDPOINTS: cluster.endpoints.join(",") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { printed: Buffer.concat(chunks).toString("utf8"), code };
}

describe("snippets print what the pages show", () => {
  it.for(runnable)("%s", { timeout: 120_000 }, async (source) => {
    const { printed, code } = await run(source);
    expect(comparable(printed)).toEqual(comparable(fs.readFileSync(path.join(folder, outputOf(source)), "utf8")));
    expect(code).toBe(0);
  });
});

it("every output belongs to a snippet", () => {
  const outputs = fs.globSync("**/*.out", { cwd: folder }).sort();
  expect(outputs).toEqual(runnable.map(outputOf).sort());
});

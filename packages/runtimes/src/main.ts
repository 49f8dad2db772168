/** `npm run runtimes -- [--only NAME] --json`: the SDKs' contract suites on every runtime they promise, against one real cluster. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePorts, type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { allHold, type Cell, type CellResult, explain, runCell } from "./cell.ts";
import { chromiumCell } from "./chromium-cell.ts";
import { processCell } from "./process-cell.ts";
import { workerdCell } from "./workerd-cell.ts";

const usage = `npm run runtimes -- [--only RUNTIME] [--json]
  --only  one runtime, such as node-20, bun, deno, workerd, chromium
  --json  end with one line of JSON on standard output
The chromium cell needs nginx and chromium: apt-get install -y nginx chromium. A cell that is skipped has not passed.`;

const say = (text: string) => process.stderr.write(`${text}\n`);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What users get: the built packages, never the sources. */
const nodeEntry = here("../../sdk-node/dist/contract/contract-main.js");
const webEntry = (name: string) => here(`../../sdk-web/dist/contract/${name}.js`);

function cells(cluster: LocalCluster, folder: string, pagePort: number): readonly Cell[] {
  const grpc = cluster.endpoints.join(",");
  const urls = cluster.nodes.map((node) => node.httpUrl);
  const tool = (path: string) => here(`../node_modules/${path}`);
  const onNode = (name: string, binary: string) => processCell("sdk-node", name, binary, [nodeEntry, grpc, name]);
  return [
    onNode("node-20", tool("node-20/bin/node")),
    onNode("node-22", tool("node-22/bin/node")),
    onNode("node-24", process.execPath),
    onNode("node-26", tool("node-26/bin/node")),
    processCell("sdk-node", "bun", tool(".bin/bun"), [nodeEntry, grpc, "bun"]),
    processCell("sdk-node", "deno", tool(".bin/deno"), ["run", "--allow-all", "--no-lock", nodeEntry, grpc, "deno"]),
    processCell("sdk-web", "node-24", process.execPath, [webEntry("contract-main"), urls.join(","), "node-24"]),
    workerdCell(webEntry("contract-worker"), folder, urls.join(",")),
    chromiumCell(
      webEntry("contract-page"),
      folder,
      urls.map((url) => url.slice("http://".length)),
      pagePort,
    ),
  ];
}

function tell(result: CellResult, elapsedMs: number): void {
  const { sdk, runtime, cases, passed, failed, skipped, skipReason } = result;
  const counts = `${passed}/${cases} passed, ${failed} failed, ${skipped} skipped`;
  say(
    `  ${sdk.padEnd(9)} ${runtime.padEnd(9)} ${skipReason === undefined ? `${counts}, ${(elapsedMs / 1_000).toFixed(1)} s` : `skipped: ${skipReason}`}`,
  );
  for (const failure of result.failures ?? []) say(`    ${failure.name}: ${failure.message}`);
}

/** Runtimes that run at the same time: each waits for windows and deadlines for most of its time. */
const RUNTIMES_AT_ONCE = 3;

async function runAll(chosen: readonly Cell[]): Promise<readonly CellResult[]> {
  const results: CellResult[] = [];
  const left = [...chosen.entries()];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, cell] = next;
      const startedMs = performance.now();
      const result = await runCell(cell);
      results[at] = result;
      tell(result, performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: RUNTIMES_AT_ONCE }, worker));
  return results;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-runtimes-"));
  const [pagePort] = await freePorts(1);
  // The page's own calls go through nginx; one case calls the nodes themselves, across origins.
  const cluster = await startLocalCluster({ arguments: ["--cors-origin", `http://127.0.0.1:${pagePort}`] });
  try {
    const all = cells(cluster, folder, pagePort!);
    const chosen = all.filter((cell) => values.only === undefined || cell.runtime === values.only);
    if (chosen.length === 0) {
      const names = [...new Set(all.map((cell) => cell.runtime))].join(", ");
      throw new Error(`--only is ${values.only}, but must be one of ${names}`);
    }
    const results = await runAll(chosen);
    const passed = allHold(results);
    if (values.json) process.stdout.write(`${JSON.stringify({ passed, cells: results })}\n`);
    return passed ? 0 : 1;
  } finally {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const problem = explain(error);
  say(`runtimes: ${problem}`);
  if (process.argv.includes("--json")) {
    process.stdout.write(`${JSON.stringify({ passed: false, cells: [], problem })}\n`);
  }
  process.exitCode = 1;
}

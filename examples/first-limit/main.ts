/** The show: three nodes, and first-limit.ts against them as a process of its own, as a user would run it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";

const { values } = parseArgs({ options: { help: { type: "boolean" } } });

async function run(cluster: LocalCluster): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("first-limit.ts", import.meta.url))], {
    env: { ...process.env, QUORUMGUARD_ENDPOINTS: cluster.endpoints.join(",") },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write("npm run example -- first-limit\n");
    return 0;
  }
  const cluster = await startLocalCluster();
  try {
    return await run(cluster);
  } finally {
    await cluster.stop();
  }
}

process.exitCode = await main();

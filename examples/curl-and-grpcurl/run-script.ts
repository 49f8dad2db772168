import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { LocalCluster } from "@quorumguard/testbed";

const here = fileURLToPath(new URL(".", import.meta.url));
/** The workspace's commands: `buf` is one of them. */
const workspaceCommands = path.join(here, "..", "..", "node_modules", ".bin");

/** A script of this folder. */
export type ScriptName = "with-curl.sh" | "with-grpcurl.sh" | "with-buf-curl.sh";

/** Runs a script against a cluster's first node. `flags` are the shell's. */
export function startScript(name: ScriptName, cluster: LocalCluster, flags: readonly string[] = []): ChildProcess {
  // One pipe for both streams, so that their order is kept.
  const merged = flags.includes("-v") ? ["-c", `exec sh ${flags.join(" ")} ${name} 2>&1`] : [...flags, name];
  return spawn("sh", merged, {
    cwd: here,
    env: {
      ...process.env,
      PATH: [process.env.PATH, workspaceCommands].filter(Boolean).join(path.delimiter),
      QUORUMGUARD_HTTP: cluster.nodes[0]!.httpUrl,
      QUORUMGUARD_ENDPOINTS: cluster.endpoints.join(","),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Resolves with the lines of a script. */
export function scriptLines(name: ScriptName): readonly string[] {
  return fs.readFileSync(path.join(here, name), "utf8").trimEnd().split("\n");
}

/** True if the shell would find this program. */
export function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(path.delimiter).some((folder) => {
    try {
      fs.accessSync(path.join(folder, program), fs.constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

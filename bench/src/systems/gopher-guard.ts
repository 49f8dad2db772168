import { join } from "node:path";
import { freePorts, until } from "@quorumguard/testbed";
import { type Program, startProgram } from "../program.ts";
import { scratchFolder } from "../scratch-folder.ts";
import type { System } from "../system.ts";
import { type GoCommand, goProgram } from "./go-program.ts";

const command: GoCommand = {
  path: "github.com/AbhinavG786/Gopher-Guard/cmd/server",
  version: "cbcb3561a217e45526670dc48e68c02e5a5c7b7d",
  sums: [
    "github.com/AbhinavG786/Gopher-Guard v1.2.1 h1:whHBTkhDPbWjbpD3TscaHs4ckmNyasifypEH68XrfYg=",
    "github.com/AbhinavG786/Gopher-Guard v1.2.1/go.mod h1:zVE5/ZA68vZBMre1+i37/OKCrlflQtVFUk3c5Kjteis=",
  ],
};

const nodes = [0, 1, 2] as const;

/** Three nodes of Gopher-Guard, the limiter on hashicorp/raft: the first one leads, and takes the others in. */
export async function startGopherGuard(): Promise<System> {
  const program = await goProgram(command);
  const ports = await freePorts(3 * nodes.length);
  const address = (node: number, listener: number) => `127.0.0.1:${ports[3 * node + listener]}`;
  const folder = await scratchFolder("gopher-guard");
  const running: Program[] = [];
  const stop = async () => {
    await Promise.all(running.map((one) => one.end("SIGTERM")));
    folder.remove();
  };
  try {
    for (const node of nodes) {
      const environment = {
        NODE_ID: `node-${node}`,
        BOOTSTRAP: String(node === 0),
        PORT: String(ports[3 * node]),
        ADMIN_PORT: String(ports[3 * node + 1]),
        RAFT_BIND: address(node, 2),
        RAFT_DIR: join(folder.path, String(node)),
      };
      running.push(await startProgram({ program, flags: [], environment, readyWords: "Admin API listening" }));
    }
    for (const node of nodes.slice(1)) {
      const request = `http://${address(0, 1)}/join?id=node-${node}&addr=${address(node, 2)}`;
      await until(`node-${node} is not taken in`, 60_000, async () => ((await fetch(request)).ok ? true : null));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    configuration: { version: command.version, processes: nodes.length, flags: "addresses and data folders only" },
    endpoints: async () => nodes.map((node) => address(node, 0)),
    pids: () => running.map((one) => one.pid),
    flushes: async () => null,
    leader: null,
    stop,
  };
}

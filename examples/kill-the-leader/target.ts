import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startLocalCluster } from "@quorumguard/testbed";
import { listeningProcess } from "./listening-process.ts";

const run = promisify(execFile);
const quorumguard = fileURLToPath(new URL("../../packages/cluster/dist/cli/main.js", import.meta.url));

/** A cluster whose leader is going to be killed. */
export interface Target {
  readonly endpoints: readonly string[];
  leaderId(): Promise<number>;
  /** What `kill` is about to do, for people. */
  howItKills(leaderId: number): string;
  /** Resolves when the leader is gone. */
  kill(leaderId: number): Promise<void>;
  stop(): Promise<void>;
}

/** Three nodes of our own, gone when we are. */
export async function ownCluster(say: (text: string) => void): Promise<Target> {
  say("  Starting three nodes …");
  const cluster = await startLocalCluster();
  return {
    endpoints: cluster.endpoints,
    leaderId: async () => (await cluster.waitForLeader()).nodeId,
    howItKills: (leaderId) => `kill -9 node ${leaderId}, the leader`,
    kill: (leaderId) => cluster.kill(leaderId),
    stop: async () => void (await cluster.stop()),
  };
}

/**
 * A cluster that somebody else runs. `command` ends its leader, with `{node}` for the leader's id; without one it is the
 * process on this machine that listens on the leader's port. Nobody starts that node again.
 */
export async function runningCluster(endpoints: readonly string[], command: string | undefined): Promise<Target> {
  const { leaderId, members } = await clusterStatus(endpoints);
  if (members.length < 3)
    throw new Error(`the cluster has ${members.length} members, but needs 3 to survive its leader`);
  const leader = members.find((member) => member.nodeId === leaderId);
  if (leader === undefined) throw new Error("nobody leads this cluster; wait until it has a leader");
  const killer = command === undefined ? killByPort(leader.grpcEndpoint) : killByCommand(command, leaderId);
  return {
    endpoints,
    leaderId: async () => (await clusterStatus(endpoints)).leaderId,
    howItKills: () => `${killer.words}  (node ${leaderId}, the leader; it stays dead until somebody starts it)`,
    kill: killer.kill,
    stop: async () => {},
  };
}

interface Killer {
  readonly words: string;
  readonly kill: () => Promise<void>;
}

/** Finds the process before anybody needs it, so that what cannot work fails at once. */
function killByPort(endpoint: string): Killer {
  const pid = listeningProcess(Number(endpoint.slice(endpoint.lastIndexOf(":") + 1)));
  return { words: `kill -9 ${pid}`, kill: async () => void process.kill(pid, "SIGKILL") };
}

function killByCommand(command: string, leaderId: number): Killer {
  const words = command.replaceAll("{node}", String(leaderId));
  return { words, kill: async () => void (await run("sh", ["-c", words])) };
}

interface ClusterStatus {
  readonly leaderId: number;
  readonly members: readonly { readonly nodeId: number; readonly grpcEndpoint: string }[];
}

/** As `quorumguard status` says it. It exits with 1 when a member is missing, as after a kill, and says so in its JSON. */
async function clusterStatus(endpoints: readonly string[]): Promise<ClusterStatus> {
  const args = [quorumguard, "status", "--json", "--endpoints", endpoints.join(",")];
  const { stdout } = await run(process.execPath, args).catch((error: { stdout?: string; stderr?: string }) => {
    if (error.stdout?.includes('"members"')) return { stdout: error.stdout };
    throw new Error(
      `the cluster at ${endpoints.join(", ")} does not answer: ${error.stdout || error.stderr || String(error)}`,
    );
  });
  return JSON.parse(stdout) as ClusterStatus;
}

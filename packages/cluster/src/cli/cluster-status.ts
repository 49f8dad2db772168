import { type GetStatusResponse, type Member, NodeRole } from "@quorumguard/proto";
import { fetchStatus, NodeRefusal, type Reach } from "./cluster-client.ts";

/** One member, as it is shown. Absent facts: it did not answer, and `error` says why. */
export interface MemberStatus {
  readonly nodeId: number;
  readonly grpcEndpoint: string;
  readonly httpUrl: string;
  /** Whether it votes and counts towards a quorum, according to whoever was asked first. */
  readonly voter: boolean;
  readonly error: string | null;
  readonly role: string | null;
  readonly leaderId: number | null;
  readonly term: number | null;
  readonly commitIndex: number | null;
  readonly appliedIndex: number | null;
  /** Entries that some member knows to be committed and this one has yet to apply; members are asked at slightly different moments. */
  readonly lag: number | null;
  readonly stateHash: string | null;
  readonly keys: number | null;
  /** How many keys there may be. */
  readonly maxKeys: number | null;
  /** Open reservations, slots and leases, and how many there may be. */
  readonly holds: number | null;
  readonly maxHolds: number | null;
  readonly sessions: number | null;
  readonly abstaining: boolean | null;
  readonly version: string | null;
}

/** What the members of a cluster say, put together. */
export interface ClusterStatus {
  readonly clusterId: string;
  /** Who leads according to the highest term that anybody knows of; 0: nobody. */
  readonly leaderId: number;
  readonly term: number;
  /** Every member answers and knows a leader. */
  readonly healthy: boolean;
  readonly members: readonly MemberStatus[];
}

/** How members are reached, and how long each has to answer. */
export interface StatusOptions extends Reach {
  readonly timeoutMs: number;
}

/**
 * Asks one of `endpoints` for the members, and then every member for itself.
 * @throws {Error} if none of `endpoints` answers.
 */
export async function fetchClusterStatus(endpoints: readonly string[], options: StatusOptions): Promise<ClusterStatus> {
  const { scheme, first } = await askAnyone(endpoints, options);
  const answers = await Promise.all((first.topology?.members ?? []).map((each) => askMember(each, scheme, options)));
  const committed = Math.max(0, ...answers.map((answer) => answer.commitIndex ?? 0));
  const members = answers.map((answer) => ({
    ...answer,
    lag: answer.appliedIndex === null ? null : Math.max(0, committed - answer.appliedIndex),
  }));
  const { leaderId, term } = leaderOf(members);
  const healthy = members.every((member) => member.error === null && member.leaderId !== 0);
  return { clusterId: first.topology?.clusterId ?? "", leaderId, term, healthy, members };
}

/** Who leads in the newest term that anybody knows of; nobody, if who is said to lead answers that nobody does. */
export function leaderOf(members: readonly Pick<MemberStatus, "nodeId" | "leaderId" | "term">[]): {
  readonly leaderId: number;
  readonly term: number;
} {
  const term = Math.max(0, ...members.map((member) => member.term ?? 0));
  const named = members.find((member) => member.term === term && member.leaderId)?.leaderId ?? 0;
  const self = members.find((member) => member.nodeId === named);
  return { leaderId: self?.leaderId === 0 ? 0 : named, term };
}

async function askAnyone(
  endpoints: readonly string[],
  options: StatusOptions,
): Promise<{ scheme: string; first: GetStatusResponse }> {
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    try {
      const first = await fetchStatus(endpoint, options, options.timeoutMs);
      return { scheme: endpoint.startsWith("https://") ? "https://" : "", first };
    } catch (error) {
      if (error instanceof NodeRefusal && error.isForToken) throw error;
      failures.push(`${endpoint}: ${(error as Error).message}`);
    }
  }
  throw new Error(`no node answers (${failures.join("; ")}); is it running, and is --endpoints right?`);
}

async function askMember(member: Member, scheme: string, options: StatusOptions): Promise<MemberStatus> {
  const { grpcEndpoint, httpUrl, voter } = member;
  const known = { nodeId: Number(member.nodeId), grpcEndpoint, httpUrl, voter };
  try {
    if (member.grpcEndpoint === "") throw new Error("its address is not known yet");
    const status = await fetchStatus(scheme + member.grpcEndpoint, options, options.timeoutMs);
    return {
      ...known,
      error: null,
      role: roleNames.get(status.role) ?? "unknown",
      leaderId: Number(status.topology?.groups[0]?.leaderId ?? 0n),
      term: Number(status.term),
      commitIndex: Number(status.commitIndex),
      appliedIndex: Number(status.appliedIndex),
      lag: null,
      stateHash: status.stateHash,
      keys: Number(status.keys),
      maxKeys: Number(status.maxKeys),
      holds: Number(status.holds),
      maxHolds: Number(status.maxHolds),
      sessions: Number(status.sessions),
      abstaining: status.abstaining,
      version: status.version,
    };
  } catch (error) {
    return { ...known, ...silent, error: (error as Error).message };
  }
}

const roleNames = new Map<number, string>(
  Object.entries(NodeRole).map(([name, number]) => [number, name.toLowerCase().replaceAll("_", "-")]),
);

const silent = {
  role: null,
  leaderId: null,
  term: null,
  commitIndex: null,
  appliedIndex: null,
  lag: null,
  stateHash: null,
  keys: null,
  maxKeys: null,
  holds: null,
  maxHolds: null,
  sessions: null,
  abstaining: null,
  version: null,
};

import { readFileSync } from "node:fs";
import { type GetStatusResponse, type Member, NodeRole } from "@quorumguard/proto";
import { fetchStatus } from "./cluster-client.ts";
import { clusterEndpoints } from "./endpoints.ts";
import { parseFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

const statusHelp = `quorumguard status: what every member says of itself

  quorumguard status --endpoints 10.0.0.1:7400

  --endpoints LIST   gRPC addresses to ask for the members, any one will do
                     ($QUORUMGUARD_ENDPOINTS, else 127.0.0.1:7400); https:// in front for TLS
  --tls-ca FILE      the authority of the nodes' certificates
  --timeout MS       for each node (2000)
  --json             one JSON document on standard output
  --help

Exit status: 0 if every member answers and a leader is known, else 1.
`;

/** One member, as it is shown. Absent facts: it did not answer, and `error` says why. */
interface MemberStatus {
  readonly nodeId: number;
  readonly grpcEndpoint: string;
  readonly httpUrl: string;
  readonly error: string | null;
  readonly role: string | null;
  readonly leaderId: number | null;
  readonly term: number | null;
  readonly commitIndex: number | null;
  readonly appliedIndex: number | null;
  readonly stateHash: string | null;
  readonly keys: number | null;
  readonly sessions: number | null;
  readonly abstaining: boolean | null;
  readonly version: string | null;
}

/** Asks all members and shows what they say; resolves with the exit status. */
export async function statusCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, {
    endpoints: { type: "string", multiple: true },
    "tls-ca": { type: "string" },
    timeout: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean" },
  });
  if (flags.has("help")) {
    process.stdout.write(statusHelp);
    return 0;
  }
  if (flags.positionals.length > 0) throw new UsageError(`${JSON.stringify(flags.positionals[0])} is not a flag`);
  const timeoutMs = flags.whole("timeout", 1, 600_000) ?? 2_000;
  const caFile = flags.text("tls-ca");
  const ca = caFile === undefined ? null : readFileSync(caFile);
  const { scheme, first } = await askAnyone(clusterEndpoints(flags.all("endpoints")), ca, timeoutMs);
  const members = await Promise.all(
    (first.topology?.members ?? []).map((member) => askMember(member, scheme, ca, timeoutMs)),
  );
  const clusterId = first.topology?.clusterId ?? "";
  const healthy = members.every((member) => member.error === null && member.leaderId !== 0);
  const text = flags.has("json") ? `${JSON.stringify({ clusterId, healthy, members })}\n` : table(clusterId, members);
  process.stdout.write(text);
  return healthy ? 0 : 1;
}

async function askAnyone(
  endpoints: readonly string[],
  ca: Buffer | null,
  timeoutMs: number,
): Promise<{ scheme: string; first: GetStatusResponse }> {
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    try {
      const first = await fetchStatus(endpoint, ca, timeoutMs);
      return { scheme: endpoint.startsWith("https://") ? "https://" : "", first };
    } catch (error) {
      failures.push(`${endpoint}: ${(error as Error).message}`);
    }
  }
  throw new Error(`no node answers (${failures.join("; ")}); is it running, and is --endpoints right?`);
}

async function askMember(member: Member, scheme: string, ca: Buffer | null, timeoutMs: number): Promise<MemberStatus> {
  const known = { nodeId: Number(member.nodeId), grpcEndpoint: member.grpcEndpoint, httpUrl: member.httpUrl };
  try {
    if (member.grpcEndpoint === "") throw new Error("its address is not known yet");
    const status = await fetchStatus(scheme + member.grpcEndpoint, ca, timeoutMs);
    return {
      ...known,
      error: null,
      role: roleNames.get(status.role) ?? "unknown",
      leaderId: Number(status.topology?.groups[0]?.leaderId ?? 0n),
      term: Number(status.term),
      commitIndex: Number(status.commitIndex),
      appliedIndex: Number(status.appliedIndex),
      stateHash: status.stateHash,
      keys: Number(status.keys),
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
  stateHash: null,
  keys: null,
  sessions: null,
  abstaining: null,
  version: null,
};

const columns = [
  "nodeId",
  "role",
  "leaderId",
  "term",
  "commitIndex",
  "appliedIndex",
  "keys",
  "sessions",
  "grpcEndpoint",
  "httpUrl",
] as const;
const titles = ["node", "role", "leader", "term", "commit", "applied", "keys", "sessions", "gRPC", "HTTP"];

function table(clusterId: string, members: readonly MemberStatus[]): string {
  const rows = [titles, ...members.map((member) => columns.map((column) => String(member[column] ?? "–")))];
  const widths = titles.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join("  ")
      .trimEnd(),
  );
  const notes = members.flatMap((member) => [
    ...(member.error === null ? [] : [`node ${member.nodeId} does not answer: ${member.error}`]),
    ...(member.abstaining === true
      ? [`node ${member.nodeId} abstains: it dropped a damaged last frame and is being repaired`]
      : []),
  ]);
  return `cluster ${clusterId === "" ? "(forming)" : clusterId}\n${[...lines, ...notes].join("\n")}\n`;
}

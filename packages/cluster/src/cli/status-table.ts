import type { ClusterStatus, MemberStatus } from "./cluster-status.ts";

type Column = readonly [title: string, cell: (member: MemberStatus) => string | number | null];

const columns: readonly Column[] = [
  ["node", (member) => member.nodeId],
  ["role", (member) => (member.error === null ? member.role : "down")],
  ["leader", (member) => (member.leaderId === 0 ? "none" : member.leaderId)],
  ["term", (member) => member.term],
  ["commit", (member) => member.commitIndex],
  ["applied", (member) => member.appliedIndex],
  ["lag", (member) => member.lag],
  ["keys", (member) => member.keys],
  ["sessions", (member) => member.sessions],
  ["gRPC", (member) => member.grpcEndpoint || null],
  ["HTTP", (member) => member.httpUrl || null],
];

/** A cluster's status for a person: who leads, a line for each member, and below it what is wrong. */
export function statusTable(status: ClusterStatus): string {
  const { clusterId, members } = status;
  const rows = [
    columns.map(([title]) => title),
    ...members.map((each) => columns.map(([, cell]) => `${cell(each) ?? "–"}`)),
  ];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join("  ")
      .trimEnd(),
  );
  const parts = [[`cluster ${clusterId === "" ? "(forming)" : clusterId}: ${headline(status)}`], lines, notes(status)];
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n")}\n`;
}

function headline({ leaderId, term, members }: ClusterStatus): string {
  const answering = members.filter((member) => member.error === null).length;
  const leader = leaderId === 0 ? "no leader" : `node ${leaderId} leads (term ${term})`;
  return `${leader}, ${answering} of ${members.length} members answer`;
}

function notes({ leaderId, clusterId, members }: ClusterStatus): string[] {
  const voters = members.filter((member) => member.voter);
  const answering = voters.filter((member) => member.error === null).length;
  const abstaining = voters.filter((member) => member.abstaining === true).length;
  const quorum = Math.floor(voters.length / 2) + 1;
  const versions = new Set(members.flatMap((member) => member.version ?? []));
  return [
    ...members.flatMap((member) =>
      member.error === null ? [] : [`node ${member.nodeId} does not answer: ${member.error}`],
    ),
    ...members.flatMap((member) =>
      member.abstaining === true
        ? [
            `node ${member.nodeId} abstains: it lost the end of its log or was repaired, and votes for nobody before the others have made up for it`,
          ]
        : [],
    ),
    ...(leaderId === 0 && clusterId !== "" && answering < quorum
      ? [`no leader without ${quorum} voters: start those that are down`]
      : []),
    ...(leaderId === 0 && answering - abstaining < quorum && abstaining > 0
      ? [`no leader while fewer than ${quorum} voters may vote: the logs of those that abstain say what they wait for`]
      : []),
    ...fullTables(members),
    ...(versions.size > 1
      ? [`versions differ: ${members.map(({ nodeId, version }) => `node ${nodeId} ${version ?? "–"}`).join(", ")}`]
      : []),
  ];
}

/** Warns while there is time: nothing live is ever dropped to make room. All members have the same tables, so one speaks for all. */
function fullTables(members: readonly MemberStatus[]): string[] {
  const isNearlyFull = (count: number | null, most: number | null) =>
    count !== null && most !== null && most > 0 && count >= most * 0.9;
  const keys = members.find((member) => isNearlyFull(member.keys, member.maxKeys));
  const holds = members.find((member) => isNearlyFull(member.holds, member.maxHolds));
  return [
    ...(keys === undefined
      ? []
      : [
          `${keys.keys} of ${keys.maxKeys} keys are in use: beyond that, new keys are refused; raise --max-keys of all nodes`,
        ]),
    ...(holds === undefined
      ? []
      : [
          `${holds.holds} of ${holds.maxHolds} reservations, slots and leases are open: one more is refused; raise --max-holds of all nodes`,
        ]),
  ];
}

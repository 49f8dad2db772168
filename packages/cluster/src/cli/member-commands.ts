import type { MemberState } from "@quorumguard/proto";
import { parseHostPort } from "./addresses.ts";
import type { CommandSpec } from "./command-spec.ts";
import { clusterEndpoints } from "./endpoints.ts";
import { type ParsedFlags, parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import type { MemberClientOptions } from "./member-client.ts";
import {
  memberAddSpec,
  memberListSpec,
  memberPromoteSpec,
  memberRemoveSpec,
  memberReplaceSpec,
} from "./member-specs.ts";
import { reachOf } from "./reach.ts";
import { UsageError } from "./usage-error.ts";

/** Every command on members has these. */
type SharedFlags = Pick<ParsedFlags<typeof memberListSpec>, "has" | "all" | "text" | "whole" | "operands">;
type Ask = (
  client: typeof import("./member-client.ts"),
  options: MemberClientOptions,
) => Promise<readonly MemberState[]>;

/** Shows the members; resolves with the exit status. */
export async function memberListCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, memberListSpec);
  return run(flags, memberListSpec, (client, options) => client.fetchMembers(options));
}

/** Makes a newcomer a learner; resolves with the exit status. */
export async function memberAddCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, memberAddSpec);
  return run(flags, memberAddSpec, async (client, options) => {
    const [nodeId] = ids(flags.operands, memberAddSpec);
    const peerAddress = flags.text("peer") ?? "";
    if (peerAddress !== "") parseHostPort("peer", peerAddress);
    const { addMember } = await methods();
    return client.changeMembers(options, addMember, { nodeId: nodeId!, peerAddress });
  });
}

/** Makes a learner a voter; resolves with the exit status. */
export async function memberPromoteCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, memberPromoteSpec);
  return run(flags, memberPromoteSpec, async (client, options) => {
    const [nodeId] = ids(flags.operands, memberPromoteSpec);
    return client.changeMembers(options, (await methods()).promoteMember, { nodeId: nodeId! });
  });
}

/** Removes a member; resolves with the exit status. */
export async function memberRemoveCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, memberRemoveSpec);
  return run(flags, memberRemoveSpec, async (client, options) => {
    const [nodeId] = ids(flags.operands, memberRemoveSpec);
    return client.changeMembers(options, (await methods()).removeMember, { nodeId: nodeId! });
  });
}

/** Puts a learner in the place of a voter; resolves with the exit status. */
export async function memberReplaceCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, memberReplaceSpec);
  return run(flags, memberReplaceSpec, async (client, options) => {
    const [nodeId, byNodeId] = ids(flags.operands, memberReplaceSpec);
    return client.changeMembers(options, (await methods()).replaceMember, { nodeId: nodeId!, byNodeId: byNodeId! });
  });
}

async function methods() {
  return (await import("@quorumguard/proto")).ClusterService.method;
}

async function run(flags: SharedFlags, spec: CommandSpec, ask: Ask): Promise<number> {
  if (flags.has("help")) {
    process.stdout.write(commandHelp(spec));
    return 0;
  }
  const options = {
    endpoints: clusterEndpoints(flags.all("endpoints")),
    ...reachOf(flags),
    timeoutMs: flags.whole("timeout"),
  };
  if (spec.operands.length > 0) ids(flags.operands, spec);
  // Only now, so that help and mistakes do not wait for a client to load.
  const members = await ask(await import("./member-client.ts"), options);
  process.stdout.write(flags.has("json") ? `${JSON.stringify({ members: members.map(plain) })}\n` : table(members));
  return 0;
}

/** The operands of a command that takes nothing but ids. @throws {UsageError} unless they are. */
function ids(operands: readonly string[], spec: CommandSpec): readonly bigint[] {
  const names = spec.operands.map(({ name }) => name);
  if (operands.length !== names.length) {
    const example = spec.examples[0]?.command ?? "";
    throw new UsageError(`give ${names.join(" ")}, such as ${example}; see quorumguard ${spec.name} --help`);
  }
  return operands.map((text, at) => {
    if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))) return BigInt(text);
    throw new UsageError(`${names[at]} is ${JSON.stringify(text)}: it must be a node's id, 1 to 2^53-1`);
  });
}

/** A member without the wire's wrappings. */
function plain({ nodeId, voter, peerAddress, matchIndex, lag, heardMsAgo }: MemberState) {
  return {
    nodeId: Number(nodeId),
    role: voter ? "voter" : "learner",
    peerAddress,
    matchIndex: matchIndex === undefined ? null : Number(matchIndex),
    lag: lag === undefined ? null : Number(lag),
    heardMsAgo: heardMsAgo === undefined ? null : Number(heardMsAgo),
  };
}

function table(members: readonly MemberState[]): string {
  const rows = [
    ["node", "role", "peers reach it at", "match", "lag", "heard of"],
    ...members
      .map(plain)
      .map((member) => [
        `${member.nodeId}`,
        member.role,
        member.peerAddress === "" ? "–" : member.peerAddress,
        `${member.matchIndex ?? "–"}`,
        `${member.lag ?? "–"}`,
        member.heardMsAgo === null ? "never" : `${member.heardMsAgo} ms ago`,
      ]),
  ];
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ");
  return `${rows.map((row) => line(row).trimEnd()).join("\n")}\n`;
}

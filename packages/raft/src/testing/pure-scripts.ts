import { changeSimple, enterJoint, leaveJoint, rejoinedMembers } from "../confchange/changer.ts";
import { allVoters, type JointVoters, jointIndex, jointVote } from "../quorum/joint.ts";
import { majorityIndex, majoritySize, majorityVote, type VoteResult } from "../quorum/majority.ts";
import { Tracker } from "../tracker/tracker.ts";
import type { ConfChange, NodeId } from "../types.ts";
import { describeMembership, describeProgress } from "./describe.ts";
import { ScriptError } from "./interaction-args.ts";
import { parseChanges } from "./parse-changes.ts";
import type { Directive } from "./script-reader.ts";

const sortedIds = (ids: readonly NodeId[]): readonly NodeId[] => [...new Set(ids)].sort((a, b) => a - b);
const voteNames: Readonly<Record<VoteResult, string>> = { won: "VoteWon", lost: "VoteLost", pending: "VotePending" };
const describeIndex = (index: number): string => (index === Number.POSITIVE_INFINITY ? "∞" : String(index));

/** How etcd's environment keeps answers and silence: a mismatch prints them so. */
const answerNumbers: Readonly<Record<string, number>> = { _: 0, n: 1, y: 2 };

/** What a voter has said: an index or a vote; undefined before it says anything. */
type AnswerOf = (id: NodeId) => string | undefined;

function valuesOf(directive: Directive, key: string): readonly string[] | undefined {
  return directive.args.find((arg) => arg.key === key)?.values;
}

function votersOf(directive: Directive, key: string): readonly NodeId[] {
  const values = valuesOf(directive, key) ?? [];
  return values[0] === "zero" ? [] : values.map(Number);
}

/** Runs `committed` and `vote` commands over quorums. */
export function runQuorumDirective(directive: Directive): string {
  const { command } = directive;
  const [listed, listedOutgoing] = [votersOf(directive, "cfg"), votersOf(directive, "cfgj")];
  const voters: JointVoters = { incoming: sortedIds(listed), outgoing: sortedIds(listedOutgoing) };
  // Answers belong to the ids in the order in which they are first mentioned.
  const order = [...new Set([...listed, ...listedOutgoing])];
  const answers = valuesOf(directive, command === "vote" ? "votes" : "idx") ?? [];
  // Etcd's environment keeps silence as zero, and takes no zero for an answer.
  if (command === "committed" && answers.some((answer) => Number(answer) === 0)) return "cannot use 0 as idx";
  if (answers.length !== order.length) {
    const listedVoters = allVoters(voters).map((id) => `${id}:{}`);
    const numbers = answers.map((answer) => answerNumbers[answer] ?? answer);
    return `error: mismatched input (explicit or _) for voters map[${listedVoters.join(" ")}]: [${numbers.join(" ")}]`;
  }
  const answerOf: AnswerOf = (id) => {
    const answer = answers[order.indexOf(id)];
    return answer === "_" ? undefined : answer;
  };
  const joint = valuesOf(directive, "cfgj") !== undefined;
  if (command === "vote") return runVote(voters, joint, answerOf);
  return command === "committed" ? runCommitted(voters, joint, answerOf) : "unknown command";
}

const swapped = ({ incoming, outgoing }: JointVoters): JointVoters => ({ incoming: outgoing, outgoing: incoming });

function runVote(voters: JointVoters, joint: boolean, answerOf: AnswerOf): string {
  const vote = (id: NodeId): boolean | undefined => {
    const answer = answerOf(id);
    return answer === undefined ? undefined : answer === "y";
  };
  const result = joint ? jointVote(voters, vote) : majorityVote(voters.incoming, vote);
  const checks: readonly (readonly [string, VoteResult])[] = joint
    ? [["symmetry", jointVote(swapped(voters), vote)]]
    : [
        ["zero-joint quorum", jointVote({ incoming: voters.incoming, outgoing: [] }, vote)],
        ["self-joint quorum", jointVote({ incoming: voters.incoming, outgoing: voters.incoming }, vote)],
      ];
  const deviations = checks.filter(([, other]) => other !== result);
  return [...deviations.map(([how, other]) => `${voteNames[other]} <-- via ${how}`), voteNames[result]].join("\n");
}

function runCommitted(voters: JointVoters, joint: boolean, answerOf: AnswerOf): string {
  const indexOf = (id: NodeId): number => Number(answerOf(id) ?? 0);
  const result = joint ? jointIndex(voters, indexOf) : majorityIndex(voters.incoming, indexOf);
  const checks: readonly (readonly [string, number])[] = joint
    ? [["symmetry", jointIndex(swapped(voters), indexOf)]]
    : committedChecks(voters.incoming, result, indexOf);
  const deviations = checks.filter(([, other]) => other !== result);
  const lines = deviations.map(([how, other]) => `${describeIndex(other)} <-- via ${how}`);
  return describeIndexes(allVoters(voters), answerOf) + [...lines, describeIndex(result)].join("\n");
}

/** The same index by other ways: each must agree. */
function committedChecks(voters: readonly NodeId[], result: number, indexOf: (id: NodeId) => number) {
  const joinedWith = (outgoing: readonly NodeId[]) => jointIndex({ incoming: voters, outgoing }, indexOf);
  const checks: [string, number][] = [
    ["alternative computation", countedIndex(voters, indexOf)],
    ["zero-joint quorum", joinedWith([])],
    ["self-joint quorum", joinedWith(voters)],
  ];
  for (const id of voters) {
    // What is at or above the result, and what is below, may vary on its side without moving the result.
    for (const other of indexOf(id) < result ? [0, result - 1] : [result]) {
      if (!Number.isFinite(other)) continue;
      const overlaid = majorityIndex(voters, (each) => (each === id ? other : indexOf(each)));
      checks.push([`overlaying ${id}->${other}`, overlaid]);
    }
  }
  return checks;
}

/** The greatest index with a majority at or above it, found by counting. */
function countedIndex(voters: readonly NodeId[], indexOf: (id: NodeId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const isCommitted = (index: number) =>
    voters.filter((id) => indexOf(id) >= index).length >= majoritySize(voters.length);
  return Math.max(0, ...voters.map(indexOf).filter(isCommitted));
}

/** A bar per voter, as long as the number of voters behind it. */
function describeIndexes(ids: readonly NodeId[], answerOf: AnswerOf): string {
  if (ids.length === 0) return "<empty majority quorum>";
  const indexOf = (id: NodeId): number => Number(answerOf(id) ?? 0);
  let text = `${" ".repeat(ids.length)}    idx\n`;
  for (const id of ids) {
    const bar = ids.filter((other) => indexOf(other) < indexOf(id)).length;
    const mark =
      answerOf(id) === undefined ? `?${" ".repeat(ids.length)}` : `${"x".repeat(bar)}>${" ".repeat(ids.length - bar)}`;
    text += `${mark} ${String(indexOf(id)).padStart(5)}    (id=${id})\n`;
  }
  return text;
}

/** Runs `simple`, `enter-joint` and `leave-joint` on one membership; every command counts as one more entry in the log. */
export function createConfChangeRunner(): (directive: Directive) => string {
  const tracker = new Tracker({ maxInflightMessages: 10, maxInflightBytes: Number.MAX_SAFE_INTEGER });
  let lastIndex = 0;
  return (directive) => {
    const index = lastIndex++;
    const changes = readChanges(directive);
    if ("error" in changes) return changes.error;
    const result = changeBy(directive, tracker, changes);
    if ("error" in result) return result.error;
    const before = { ...tracker.membership, outgoing: result.outgoing };
    tracker.adopt(result, index, rejoinedMembers(before, changes));
    const progress = tracker.members.map((member) => `${member.id}: ${describeProgress(member)}`);
    return [describeMembership(result), ...progress].join("\n");
  };
}

/** Only an error of the script is one: any other ends the command. */
function readChanges({ input }: Directive): ConfChange["changes"] | { readonly error: string } {
  try {
    return parseChanges(input);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { error: error.message };
  }
}

function changeBy(directive: Directive, tracker: Tracker, changes: ConfChange["changes"]) {
  const current = tracker.membership;
  switch (directive.command) {
    case "simple":
      return changeSimple(current, changes);
    case "enter-joint":
      return enterJoint(current, valuesOf(directive, "autoleave")?.[0] === "true", changes);
    case "leave-joint":
      return changes.length > 0 ? { error: "this command takes no input" } : leaveJoint(current);
    default:
      return { error: "unknown command" };
  }
}

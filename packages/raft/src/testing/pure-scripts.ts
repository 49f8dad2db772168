import { changeSimple, enterJoint, leaveJoint } from "../confchange/changer.ts";
import { allVoters, type JointVoters, jointIndex, jointVote } from "../quorum/joint.ts";
import { Tracker } from "../tracker/tracker.ts";
import type { NodeId } from "../types.ts";
import { describeMembership, describeProgress } from "./describe.ts";
import { parseChanges } from "./parse-changes.ts";
import type { Directive } from "./script-reader.ts";

const sortedIds = (ids: readonly NodeId[]): readonly NodeId[] => [...ids].sort((a, b) => a - b);

function valuesOf(directive: Directive, key: string): readonly string[] | undefined {
  return directive.args.find((arg) => arg.key === key)?.values;
}

/** Runs `committed` and `vote` commands over quorums. */
export function runQuorumDirective(directive: Directive): string {
  const listed = (key: string): readonly NodeId[] => {
    const values = valuesOf(directive, key) ?? [];
    return values[0] === "zero" ? [] : values.map(Number);
  };
  const voters: JointVoters = { incoming: sortedIds(listed("cfg")), outgoing: sortedIds(listed("cfgj")) };
  // Answers belong to the ids in the order in which they are first mentioned.
  const order = [...new Set([...listed("cfg"), ...listed("cfgj")])];
  const answers = valuesOf(directive, directive.command === "vote" ? "votes" : "idx") ?? [];
  const answerOf = (id: NodeId): string | undefined => {
    const answer = answers[order.indexOf(id)];
    return answer === "_" ? undefined : answer;
  };
  if (directive.command === "vote") {
    const result = jointVote(voters, (id) => (answerOf(id) === undefined ? undefined : answerOf(id) === "y"));
    return { won: "VoteWon", lost: "VoteLost", pending: "VotePending" }[result];
  }
  const index = jointIndex(voters, (id) => Number(answerOf(id) ?? 0));
  return describeIndexes(allVoters(voters), answerOf) + (index === Number.POSITIVE_INFINITY ? "∞" : index);
}

/** A bar per voter, as long as the number of voters behind it. */
function describeIndexes(ids: readonly NodeId[], answerOf: (id: NodeId) => string | undefined): string {
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
    const changes = parseChanges(directive.input);
    const current = tracker.membership;
    const result =
      directive.command === "simple"
        ? changeSimple(current, changes)
        : directive.command === "leave-joint"
          ? leaveJoint(current)
          : enterJoint(current, valuesOf(directive, "autoleave")?.[0] === "true", changes);
    const index = lastIndex++;
    if ("error" in result) return result.error;
    tracker.adopt(result, index);
    const progress = tracker.members.map((member) => `${member.id}: ${describeProgress(member)}`);
    return [describeMembership(result), ...progress].join("\n");
  };
}

import type { Picture } from "@quorumguard/pictures";
import { drawChain, type Link } from "../chain.ts";

const links: readonly Link[] = [
  {
    title: "Is my own leader alive?",
    says: "It was heard from within an election timeout, and this is no transfer that it asked for.",
    otherwise: "ignored: a node that was cut off must not depose it",
    next: "no",
  },
  {
    title: "Is the term mine or later?",
    says: "A later term is entered first, for a vote; a pre-vote only asks about it.",
    otherwise: "a pre-vote is rejected, with my term: silence could leave both waiting; a vote is dropped",
    next: "yes",
  },
  {
    title: "Is my vote free?",
    says: "Given to nobody in this term, or to this candidate before. Only a new term frees it.",
    otherwise: "rejected",
    next: "yes, or it is a pre-vote for a later term",
  },
  {
    title: "Is its log as good as mine?",
    says: "Last term higher, or the same and at least as long. A node that once lost the end of its log measures by the best log that it was told of.",
    otherwise: "rejected",
    next: "yes, and I am not abstaining",
  },
  {
    title: "Vote",
    says: "Written and flushed with the term; told only after that. The answer carries the term that was asked about.",
    stroke: "leader",
  },
];

/** How a node decides on a vote. */
export function raftVote(): Picture {
  return {
    name: "raft-vote",
    title: "Who gets a vote",
    description:
      "A request is ignored while the own leader is alive, unless the leader asked for a transfer. It is rejected for an old term, " +
      "for a vote already given in the term, or for a log that is behind. Otherwise the vote is flushed together with the term, and only then told.",
    wide: drawChain(links, 720),
    narrow: drawChain(links, 328),
  };
}

import type { Picture } from "@quorumguard/pictures";
import { drawChain, type Link } from "../chain.ts";

const links: readonly Link[] = [
  {
    title: "follower",
    says: "Takes entries from one leader. Votes at most once in a term.",
    next: "silence for a whole election timeout, or proof that the leader's process is dead",
    stroke: "follower",
  },
  {
    title: "preCandidate",
    says: "Asks whether it could win the next term. Touches neither its term nor its vote.",
    otherwise: "no majority would vote: follower again, and nothing was disturbed",
    next: "a majority would vote for it",
  },
  {
    title: "candidate",
    says: "Opens the term, votes for itself, flushes that, and asks for votes.",
    otherwise: "lost, or somebody leads this term: follower",
    next: "a majority voted, and each vote was flushed before it was told",
  },
  {
    title: "leader",
    says: "Appends an empty entry of its own term. Nothing is answered before that is committed and applied.",
    otherwise: "a higher term, or no majority heard from in an election timeout: follower",
    stroke: "leader",
  },
];

/** The four roles and what moves a node from one to the next. */
export function raftRoles(): Picture {
  return {
    name: "raft-roles",
    title: "Roles of a node in its term",
    description:
      "A follower that hears nothing for an election timeout, or has proof that its leader is dead, becomes pre-candidate and asks whether it could win. " +
      "With a majority it becomes candidate, opens the next term and votes for itself; with a majority of flushed votes it leads and appends an empty entry. " +
      "Whoever loses, meets a higher term or, leading, hears from no majority, becomes follower.",
    wide: drawChain(links, 720),
    narrow: drawChain(links, 328),
  };
}

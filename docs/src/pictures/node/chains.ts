import type { Picture } from "@quorumguard/pictures";
import { drawChain, type Link } from "../chain.ts";

const turn: readonly Link[] = [
  {
    title: "step",
    says: "First what the disk has flushed, then the messages of peers, in the order in which they came.",
    next: "a tick, if one is due",
  },
  {
    title: "propose",
    says: "All calls of the turn, from all connections, as one entry of the log.",
    otherwise: "this node does not lead: they went to the leader",
    next: "ready",
  },
  {
    title: "write",
    says: "Term, vote and entries in one write. The turn does not wait for the flush; a later one begins with its report.",
    stroke: "leader",
    next: "what is committed by now",
  },
  {
    title: "apply",
    says: "Each entry goes to the state machine, which decides its calls.",
    otherwise: "more is ready: write and apply again",
    next: "nothing more is ready",
  },
  {
    title: "send",
    says: "One envelope to each peer, one frame of answers to each stream.",
  },
];

/** What a node does with all that arrived together. */
export function nodeTurn(): Picture {
  return chain("node-turn", "One turn of a node", turn, [
    "A turn steps what the disk has flushed and what peers sent, ticks if a tick is due, proposes all calls as one entry, hands the disk one write without waiting for it, ",
    "applies what is committed, and sends one envelope to each peer and one frame of answers to each stream.",
  ]);
}

const founding: readonly Link[] = [
  {
    title: "collecting",
    says: "Tells the others the random number on its own disk, and hears theirs.",
    otherwise: "a peer belongs to a cluster already: this disk is not the one that founded it; stops",
    next: "knows the numbers of all founders",
  },
  {
    title: "flushed",
    says: "Derives the cluster's id from all numbers, flushes it with them, and says so.",
    otherwise: "a number differs from the one that was flushed: not welcome",
    next: "every founder has said that it flushed, or one of them has formed",
  },
  {
    title: "formed",
    says: "Elections may begin. Whoever comes with an empty disk under this id is found out.",
    stroke: "leader",
  },
];

/** How a cluster comes to be. */
export function nodeFounding(): Picture {
  return chain("node-founding", "Founding a cluster", founding, [
    "A founder tells the others the random number on its disk and collects theirs. When it knows all, it derives the cluster's id and flushes it. ",
    "When every founder has said that it has flushed, elections may begin. An empty disk beside a formed cluster is refused.",
  ]);
}

const joining: readonly Link[] = [
  {
    title: "outside",
    says: "Started with --join on an empty folder. Asks the members to be added, and belongs to nobody.",
    next: "member add names it",
  },
  {
    title: "learner",
    says: "Gets the log, or a snapshot first. Its answers count for no majority, and it never campaigns.",
    otherwise: "lags, or is silent: not promoted",
    next: "caught up: promoted, or it takes a lost member's place",
  },
  {
    title: "voter",
    says: "Counts for elections and commits.",
    stroke: "leader",
    next: "member remove names it; a leader hands over first",
  },
  { title: "removed", says: "Stops by itself, and says so. Its id is never used again." },
];

/** The stations of a member. */
export function nodeJoins(): Picture {
  return chain("node-joins", "From newcomer to voter, and out again", joining, [
    "A newcomer waits outside until it is added. Then it is a learner, which gets the log and counts for nothing. When it has caught up it becomes a voter. ",
    "A removed member stops, and its id is never used again.",
  ]);
}

function chain(name: string, title: string, links: readonly Link[], description: readonly string[]): Picture {
  return {
    name,
    title,
    description: description.join(""),
    wide: drawChain(links, 720),
    narrow: drawChain(links, 328),
  };
}

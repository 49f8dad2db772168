/** The pictures of the documentation, drawn when a page is built: name → inline SVG. */
import { inlineSvg, type Picture } from "@quorumguard/pictures";
import { fixedWindowPicture, slidingWindowCounterPicture } from "./aligned-windows.ts";
import { failover } from "./failover.ts";
import { logFrame } from "./log-frame.ts";
import { nobodyLeads } from "./nobody-leads.ts";
import { nodeFounding, nodeJoins, nodeTurn } from "./node/chains.ts";
import { nodeDeath, nodeStall } from "./node/sequences.ts";
import { oneAllow } from "./one-allow.ts";
import { raftCore } from "./raft/core.ts";
import { raftCursors } from "./raft/cursors.ts";
import { raftJoint } from "./raft/joint.ts";
import { raftCheckQuorum, raftHeartbeat, raftLoyalty, raftSnapshot, raftWindow } from "./raft/leader-sequences.ts";
import { raftBackOff, raftCommit } from "./raft/logs.ts";
import { raftProgress } from "./raft/progress.ts";
import { raftRoles } from "./raft/roles.ts";
import { raftAba, raftRead, raftReturn, raftTransfer, raftWrite } from "./raft/sequences.ts";
import { raftVote } from "./raft/vote.ts";
import { rooms } from "./rooms.ts";
import { session } from "./session.ts";
import { slidingWindowLogPicture } from "./sliding-window-log.ts";
import { slotsPicture } from "./slots.ts";
import { tokenBucketPicture } from "./token-bucket.ts";

/** Every picture, by the name that pages use. */
export const drawings: Readonly<Record<string, () => Picture>> = {
  "one-allow": oneAllow,
  session,
  rooms,
  "log-frame": logFrame,
  "sliding-window-log": slidingWindowLogPicture,
  "token-bucket": tokenBucketPicture,
  "sliding-window-counter": slidingWindowCounterPicture,
  "fixed-window": fixedWindowPicture,
  concurrency: slotsPicture,
  failover,
  "nobody-leads": nobodyLeads,
  "raft-core": raftCore,
  "raft-roles": raftRoles,
  "raft-vote": raftVote,
  "raft-write": raftWrite,
  "raft-cursors": raftCursors,
  "raft-aba": raftAba,
  "raft-progress": raftProgress,
  "raft-joint": raftJoint,
  "raft-read": raftRead,
  "raft-transfer": raftTransfer,
  "raft-return": raftReturn,
  "raft-heartbeat": raftHeartbeat,
  "raft-window": raftWindow,
  "raft-snapshot": raftSnapshot,
  "raft-check-quorum": raftCheckQuorum,
  "raft-loyalty": raftLoyalty,
  "raft-back-off": raftBackOff,
  "raft-commit": raftCommit,
  "node-turn": nodeTurn,
  "node-death": nodeDeath,
  "node-stall": nodeStall,
  "node-founding": nodeFounding,
  "node-joins": nodeJoins,
};

/** The same as markup for a page that has `pictureThemeCss`. */
export const pictures: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(drawings).map(([name, draw]) => [name, () => inlineSvg(draw())]),
);

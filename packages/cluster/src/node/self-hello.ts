import type { NodeId } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { Entrance } from "./entrance.ts";
import { FoundingPhase, type Hello } from "./hello-codec.ts";
import { foundersOf, type Members } from "./members.ts";
import type { ResolvedNodeOptions } from "./node-options.ts";

/** What a node says of itself with every hello. */
export function selfHello(parts: {
  readonly nodeId: NodeId;
  readonly bootId: string;
  readonly nonce: string;
  readonly options: ResolvedNodeOptions;
  readonly storage: Storage;
  readonly entrance: Entrance | null;
  readonly members: Members;
  readonly abstains: boolean;
  /** Null while the core does not run: then storage knows. */
  readonly term: number | null;
}): Hello {
  const { nodeId, bootId, nonce, options, storage, entrance, members, abstains, term } = parts;
  const { identity } = storage;
  const phase = entrance?.phase ?? FoundingPhase.collecting;
  const lastIndex = storage.lastIndex();
  const lastTerm = storage.term(lastIndex);
  return {
    nodeId,
    bootId,
    clusterId: entrance?.clusterId ?? "",
    nonce,
    phase,
    founders: identity?.founders.map((founder) => founder.nodeId) ?? options.founderIds,
    address: options.peerAddress(),
    origin: identity === null ? [] : foundersOf(identity),
    members: phase === FoundingPhase.formed ? members.records : [],
    droppedLastFrame: abstains,
    damaged: abstains && storage.recovery.damaged !== null,
    term: term ?? storage.initialState().hardState.term,
    lastTerm: typeof lastTerm === "number" ? lastTerm : 0,
    lastIndex,
  };
}

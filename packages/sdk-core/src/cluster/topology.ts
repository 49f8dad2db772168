import type { Member, PlainMessage, Topology } from "@quorumguard/proto";

/** Members known at once; a node that names more is not believed. */
const MAX_MEMBERS = 64;

/** A claim about who leads: from a topology, or from a NotLeader error. */
export interface LeaderHint {
  readonly leaderId: number;
  readonly term: number;
  /** Where to reach it, if the claim says so. */
  readonly endpoint: string;
}

/**
 * What this client believes about the cluster. Monotone: what an older term or version says never replaces what a
 * newer one said, from whichever node it comes and in whatever order (a paused node wakes up with old news).
 */
export interface ClusterView {
  readonly clusterId: string;
  readonly version: number;
  readonly term: number;
  /** 0: not known. A term without a leader does not displace a leader, who may well serve until there is another. */
  readonly leaderId: number;
  /** Addresses by node id. */
  readonly endpoints: ReadonlyMap<number, string>;
  /** Whether this comes from another cluster than the one first learnt. */
  foreign(topology: PlainMessage<Topology>): boolean;
  /** Returns whether anything changed. Another cluster's topology never changes anything. */
  observe(topology: PlainMessage<Topology>): boolean;
  hint(hint: LeaderHint): boolean;
  /** The cluster is another one from now on, of which nothing else is known. */
  replace(clusterId: string): void;
}

/** Makes an empty view; `endpointOf` picks the address that this client's transport uses. */
export function createClusterView(endpointOf: (member: PlainMessage<Member>) => string): ClusterView {
  let clusterId = "";
  let version = -1;
  let term = 0;
  let leaderId = 0;
  let endpoints = new Map<number, string>();

  const hint = (claim: LeaderHint): boolean => {
    if (claim.leaderId === 0 || claim.term < term) return false;
    // One leader per term, so an equal term can say nothing new but the address.
    const changed = claim.term > term || leaderId === 0;
    if (changed) {
      term = claim.term;
      leaderId = claim.leaderId;
    }
    if (claim.endpoint !== "" && !endpoints.has(claim.leaderId) && endpoints.size < MAX_MEMBERS) {
      endpoints = new Map(endpoints).set(claim.leaderId, claim.endpoint);
      return true;
    }
    return changed;
  };

  const foreign = (topology: PlainMessage<Topology>): boolean =>
    clusterId !== "" && topology.clusterId !== "" && topology.clusterId !== clusterId;

  return {
    get clusterId() {
      return clusterId;
    },
    get version() {
      return Math.max(0, version);
    },
    get term() {
      return term;
    },
    get leaderId() {
      return leaderId;
    },
    get endpoints() {
      return endpoints;
    },
    foreign,
    observe(topology) {
      if (foreign(topology)) return false;
      let changed = false;
      if (clusterId === "" && topology.clusterId !== "") {
        clusterId = topology.clusterId;
        changed = true;
      }
      const itsVersion = Number(topology.version);
      if (itsVersion > version && topology.members.length > 0) {
        version = itsVersion;
        const members = topology.members.slice(0, MAX_MEMBERS);
        endpoints = new Map(members.map((member) => [Number(member.nodeId), endpointOf(member)]));
        for (const [id, endpoint] of endpoints) if (endpoint === "") endpoints.delete(id);
        changed = true;
      }
      const group = topology.groups[0];
      if (group !== undefined) {
        const claim = { leaderId: Number(group.leaderId), term: Number(group.term), endpoint: "" };
        changed = hint(claim) || changed;
      }
      return changed;
    },
    hint,
    replace(successorId) {
      clusterId = successorId;
      version = -1;
      term = 0;
      leaderId = 0;
      endpoints = new Map();
    },
  };
}

/** What a node's ClusterService/GetStatus says, as far as it is used here. Indexes and terms are JavaScript numbers. */
export interface LocalStatus {
  readonly nodeId: number;
  /** 0 while the node knows of no leader. */
  readonly leaderId: number;
  readonly term: number;
  /** The wire's name, such as `NODE_ROLE_LEADER`. */
  readonly role: string;
  readonly appliedIndex: number;
  readonly commitIndex: number;
  /** Equal on two nodes whose `appliedIndex` is equal. */
  readonly stateHash: string;
}

/** The JSON of GetStatus: 64-bit fields are strings, and zeros are left out. */
interface StatusBody {
  readonly topology?: { readonly groups?: readonly { readonly leaderId?: string }[] };
  readonly term?: string;
  readonly role?: string;
  readonly appliedIndex?: string;
  readonly commitIndex?: string;
  readonly stateHash?: string;
}

/** Asks one node for its status over plain HTTP, for a second at most. Null if it does not answer, or wants another token. */
export async function readStatus(nodeId: number, httpUrl: string, token?: string): Promise<LocalStatus | null> {
  try {
    const response = await fetch(`${httpUrl}/quorumguard.v1.ClusterService/GetStatus`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: "{}",
      signal: AbortSignal.timeout(1_000),
    });
    if (!response.ok) return null;
    const body = (await response.json()) as StatusBody;
    return {
      nodeId,
      leaderId: Number(body.topology?.groups?.[0]?.leaderId ?? 0),
      term: Number(body.term ?? 0),
      role: body.role ?? "",
      appliedIndex: Number(body.appliedIndex ?? 0),
      commitIndex: Number(body.commitIndex ?? 0),
      stateHash: body.stateHash ?? "",
    };
  } catch {
    return null;
  }
}

/** Whoever leads, if every node that was asked has answered and knows of it; else null. */
export function agreedLeader(all: readonly (LocalStatus | null)[]): LocalStatus | null {
  const leader = all.find((status) => status?.role === "NODE_ROLE_LEADER");
  return leader != null && all.every((status) => status?.leaderId === leader.nodeId) ? leader : null;
}

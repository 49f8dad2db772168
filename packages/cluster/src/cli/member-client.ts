import { create, type DescMessage, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import type { GetStatusResponse, MemberState } from "@quorumguard/proto";
import { callCluster, fetchStatus, NodeRefusal, type Reach } from "./cluster-client.ts";

/** Where the cluster is, and how long a node has to answer. */
export interface MemberClientOptions extends Reach {
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
}

/** A method whose response names all members. */
type MemberMethod<I extends DescMessage> = DescMethodUnary<I, DescMessage>;

/** How long others may take to name a leader when one node knows none, in milliseconds. */
const graceMs = 1_000;
/** Between two looks for a leader, in milliseconds. */
const pauseMs = 50;

/** The members as the leader sees them or, while there is none, as whichever node answers does. */
export async function fetchMembers(options: MemberClientOptions): Promise<readonly MemberState[]> {
  const { status, leader } = await findLeader(options);
  if (leader === null) return status.members;
  return (await fetchStatus(leader, options, options.timeoutMs)).members;
}

/**
 * Has the leader change the members, and its successor if it has one by then: a leader hands over before it is removed.
 * @throws {NodeRefusal} when the leader will not.
 */
export async function changeMembers<I extends DescMessage>(
  options: MemberClientOptions,
  method: MemberMethod<I>,
  request: MessageInitShape<I>,
): Promise<readonly MemberState[]> {
  const { timeoutMs } = options;
  const untilMs = Date.now() + timeoutMs;
  for (;;) {
    const { leader } = await findLeader(options);
    try {
      if (leader === null) throw new NodeRefusal("no leader is known; see quorumguard status");
      const message = create<DescMessage>(method.input, request);
      const response = await callCluster<DescMessage, DescMessage>(leader, method, message, options, timeoutMs);
      return (response as unknown as { readonly members: readonly MemberState[] }).members;
    } catch (error) {
      if (!(error instanceof NodeRefusal) || Date.now() >= untilMs) throw error;
      // A node that does not lead any more is not the one to ask; one that does has said its last word.
      if (leader !== null && (await findLeader(options)).leader === leader) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

async function findLeader(
  options: MemberClientOptions,
): Promise<{ readonly status: GetStatusResponse; readonly leader: string | null }> {
  const { endpoints, timeoutMs } = options;
  const failures: string[] = [];
  // All at once: a node that is stopped neither answers nor refuses, and each would cost the whole time.
  const asked = endpoints.map((endpoint) => fetchStatus(endpoint, options, timeoutMs));
  const answers = endpoints.map(async (endpoint, at) => {
    try {
      const status = await asked[at]!;
      const leaderId = status.topology?.groups[0]?.leaderId ?? 0n;
      const address = status.topology?.members.find(({ nodeId }) => nodeId === leaderId)?.grpcEndpoint ?? "";
      const scheme = endpoint.startsWith("https://") ? "https://" : "";
      if (address !== "") return { status, leader: scheme + address };
      // Who is slower may know better, but not much slower.
      const grace = new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref());
      await Promise.race([Promise.allSettled(asked), grace]);
      return { status, leader: null };
    } catch (error) {
      failures.push(`${endpoint}: ${(error as Error).message}`);
      throw error;
    }
  });
  return Promise.any(answers).catch(({ errors }: AggregateError) => {
    const refusal = errors.find((error) => error instanceof NodeRefusal && error.isForToken);
    if (refusal !== undefined) throw refusal;
    throw new Error(`no node answers (${failures.join("; ")}); is it running, and is --endpoints right?`);
  });
}

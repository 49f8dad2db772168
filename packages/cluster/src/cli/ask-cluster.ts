import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { callCluster, NodeRefusal, type Reach } from "./cluster-client.ts";

/** Where the cluster is, and how long to go on trying. */
export interface AskOptions extends Reach {
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
}

/** Between two rounds through the endpoints, in milliseconds. */
const pauseMs = 50;

/** So long one node may take before the next is asked, if there is time for more than one. */
const patienceMs = 2_000;

/**
 * Asks whichever node answers; each hands the call to the leader. Goes on while there is no leader, or the answer was lost, so the
 * call must be one that may be made twice: a question, or a change under an id.
 *
 * @throws {NodeRefusal} when the cluster's answer is no.
 */
export async function askCluster<I extends DescMessage, O extends DescMessage>(
  { endpoints, timeoutMs, ...reach }: AskOptions,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const message = create(method.input, request);
  const untilMs = Date.now() + timeoutMs;
  for (;;) {
    const failures: string[] = [];
    for (const endpoint of endpoints) {
      const leftMs = Math.max(1, untilMs - Date.now());
      try {
        return await callCluster(endpoint, method, message, reach, Math.min(leftMs, patienceMs));
      } catch (error) {
        if (error instanceof NodeRefusal) throw error;
        failures.push(`${endpoint}: ${(error as Error).message}`);
      }
      if (Date.now() >= untilMs) break;
    }
    if (Date.now() + pauseMs >= untilMs) {
      throw new Error(`no answer within ${timeoutMs} ms (${failures.join("; ")}); see quorumguard status`);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

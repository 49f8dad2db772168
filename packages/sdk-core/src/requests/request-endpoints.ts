import type { AttemptFailure } from "../calls/wire-errors.ts";
import type { Runtime } from "../transport.ts";

/** A mistaken endpoint is left alone for so long: somebody may mend it without restarting us. */
const MISTAKE_TTL_MS = 10_000;

/** The endpoints that requests go to, in turn, without those that turned out to be mistakes. */
export interface RequestEndpoints {
  /** Whom to ask now. */
  current(): string;
  /** No answer came from it: the next one is asked from now on, unless another call has seen to that. */
  failed(endpoint: string): void;
  /** It answered as a node does. */
  answered(endpoint: string): void;
  /** It is no node's port, or a wrong certificate. Returns the failure that ends the call once every endpoint is one. */
  mistaken(endpoint: string, failure: AttemptFailure): AttemptFailure | null;
}

/** Endpoints in the order given. `onMisconfigured` is told once for each mistake while others may serve. */
export function createRequestEndpoints(
  endpoints: readonly string[],
  runtime: Pick<Runtime, "monotonicMs">,
  onMisconfigured: (endpoint: string, reason: string) => void,
): RequestEndpoints {
  const mistakes = new Map<string, { readonly untilMs: number; readonly failure: AttemptFailure }>();
  const told = new Set<string>();
  let turn = 0;
  const usable = (endpoint: string): boolean => {
    const mistake = mistakes.get(endpoint);
    return mistake === undefined || runtime.monotonicMs() >= mistake.untilMs;
  };

  const current = (): string => {
    for (let step = 0; step < endpoints.length; step++) {
      const endpoint = endpoints[(turn + step) % endpoints.length]!;
      if (usable(endpoint)) return endpoint;
    }
    return endpoints[turn % endpoints.length]!;
  };
  const failed = (endpoint: string): void => {
    if (endpoint === current()) turn = endpoints.indexOf(endpoint) + 1;
  };

  return {
    current,
    failed,
    answered(endpoint) {
      if (mistakes.size > 0) mistakes.delete(endpoint);
    },
    mistaken(endpoint, failure) {
      failed(endpoint);
      mistakes.set(endpoint, { untilMs: runtime.monotonicMs() + MISTAKE_TTL_MS, failure });
      if (!endpoints.some(usable)) {
        const messages = endpoints.map((each) => mistakes.get(each)!.failure.message);
        return { ...failure, message: [...new Set(messages)].join("; ") };
      }
      if (!told.has(endpoint)) {
        told.add(endpoint);
        onMisconfigured(endpoint, failure.message);
      }
      return null;
    },
  };
}

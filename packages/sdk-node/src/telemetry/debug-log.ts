import { createHash } from "node:crypto";
import { debuglog } from "node:util";
import type { CallObserver, Decision, GuardObserver, ObservedCall } from "@quorumguard/sdk-core";

/** Keys may be people's names: a log shows so much of their hash, which tells two keys apart. */
const SHOWN_HASH_DIGITS = 8;

let calls = 0;

/**
 * Explains each call, attempt and retry on stderr when the program runs with `NODE_DEBUG=quorumguard`; otherwise costs nothing.
 * Keys are hashed: the first eight digits of their SHA-256.
 */
export function debugObserver(
  write: (line: string) => void = debuglog("quorumguard"),
  enabled = debuglog("quorumguard").enabled,
): GuardObserver {
  if (!enabled) return {};
  return {
    callStarted(call) {
      calls += 1;
      return new ExplainedCall(`call ${calls}`, call, write);
    },
    breakerChanged: (state) => write(`breaker ${state}: ${breakerMeanings[state]}`),
    event(event) {
      const { type, ...facts } = event;
      write(`${type}: ${JSON.stringify(facts)}`);
    },
    closed: () => write("the guard is closed"),
  };
}

const breakerMeanings = {
  open: "the cluster does not decide; calls are answered here at once, and one at a time looks for it",
  ramping: "the cluster decides again; calls return to it in growing shares",
  closed: "all calls go to the cluster",
} as const;

/** Whether another attempt follows is told by that attempt, or by the end. */
const whatIsKnown = {
  no: "it was not counted",
  unknown: "it may have been counted; sent again under the same number it counts once",
} as const;

class ExplainedCall implements CallObserver {
  readonly #name: string;
  readonly #write: (line: string) => void;
  readonly #startedMs = performance.now();
  #attempt = 0;

  constructor(name: string, call: ObservedCall, write: (line: string) => void) {
    this.#name = name;
    this.#write = write;
    const rule = call.policy === null ? "a limit of its own" : `policy ${JSON.stringify(call.policy)}`;
    const more = call.checks === 1 ? "" : ` and ${call.checks - 1} more checks`;
    this.#say(`${call.verb} of key ${hashed(call.key)} under ${rule}${more}, within ${call.timeoutMs} ms`);
  }

  sent(endpoint: string, attempt: number): void {
    this.#attempt = attempt;
    this.#say(`attempt ${attempt} to ${endpoint} after ${this.#elapsed()}`);
  }

  attemptFailed(reason: string, applied: "no" | "unknown"): void {
    this.#say(`attempt ${this.#attempt} failed after ${this.#elapsed()}: ${reason}; ${whatIsKnown[applied]}`);
  }

  decided(decisions: readonly Decision[]): void {
    const verdicts = decisions.map(({ allowed, reason, source }) => `${allowed ? "allowed" : reason} (${source})`);
    this.#say(`${verdicts.join(", ")} after ${this.#elapsed()}`);
  }

  failed({
    code,
    message,
    applied,
  }: {
    readonly code: string;
    readonly message: string;
    readonly applied: string;
  }): void {
    this.#say(`${code} after ${this.#elapsed()}, applied: ${applied}: ${message}`);
  }

  #say(text: string): void {
    this.#write(`${this.#name}: ${text}`);
  }

  #elapsed(): string {
    return `${(performance.now() - this.#startedMs).toFixed(1)} ms`;
  }
}

function hashed(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, SHOWN_HASH_DIGITS);
}

import {
  Algorithm,
  createEntryWriter,
  createLimiter,
  defaultBounds,
  type Rule,
  readAdminRequest,
  readEntry,
  Verb,
} from "@quorumguard/limiter";
import { expect } from "vitest";
import { createNaiveLog } from "../../rate-limit/naive-log.ts";

const encoder = new TextEncoder();

/** A rule that is a policy's name alone. */
export const byName: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: "api" };

/** A limiter and the model, which get the same entries; every answer is compared. */
export class Both {
  readonly #limiter = createLimiter(defaultBounds);
  readonly #log = createNaiveLog(defaultBounds);
  readonly #writer = createEntryWriter();
  #index = 0;

  #apply(stampUs: number) {
    const bytes = this.#writer.finish(stampUs);
    const applied = this.#limiter.apply(++this.#index, bytes);
    const entry = readEntry(bytes);
    const before = this.#log.executed.length;
    this.#log.apply(this.#index, entry.stampUs, entry.takeover, [...entry.operations]);
    return { applied, before };
  }

  /** An entry with nothing in it: the sweep goes on, or a leader takes over. */
  pass(stampUs: number, takeover: boolean): void {
    this.#writer.begin({ takeover });
    this.#apply(stampUs);
  }

  change(stampUs: number, change: object): void {
    const changeId = `change-${this.#index}`;
    this.#writer.begin({ takeover: false });
    this.#writer.administer(readAdminRequest({ namespace: "n", change, changeId }));
    const result = this.#apply(stampUs).applied.operations[0]!;
    if (result.kind !== "administered") throw new Error(`the change came to ${result.kind}`);
    const { version, changed, error } = result.result;
    expect({ version, changed, error: error?.code ?? null }).toEqual(this.#log.change("n", changeId));
  }

  /** A call of one item; what it came to. */
  call(
    stampUs: number,
    key: string,
    cost: number,
    more: { readonly verb?: number; readonly ttlMs?: number; readonly handle?: number; readonly rule?: Rule } = {},
  ) {
    const { verb = Verb.take, ttlMs, handle, rule = byName } = more;
    const keyBytes = encoder.encode(key);
    const batch = {
      ...{ firstNumber: 0, calls: 1, items: 1, rules: [rule], keyBytes },
      keyStarts: Uint32Array.of(0),
      keyLengths: Uint32Array.of(keyBytes.length),
      ruleIndexes: Uint32Array.of(0),
      costs: Uint32Array.of(cost),
      sizes: Uint32Array.of(1),
      verbs: verb === Verb.take ? null : Uint8Array.of(verb),
      ttlsMs: ttlMs === undefined ? null : Float64Array.of(ttlMs),
      handles: handle === undefined ? null : Float64Array.of(handle),
    };
    this.#writer.begin({ takeover: false });
    this.#writer.calls({ kind: "anonymous", namespace: "n" }, batch, 0, 1);
    const { applied, before } = this.#apply(stampUs);
    const { outcomes, remaining, retryAfterMs, resetAfterMs, handles } = applied.results;
    const got = { outcome: outcomes[0], remaining: remaining[0], retryAfterMs: retryAfterMs[0] };
    expect({ ...got, resetAfterMs: resetAfterMs[0], handle: handles[0] }).toEqual(
      (({ outcome, remaining, retryAfterMs, resetAfterMs, handle }) => ({
        ...{ outcome, remaining, retryAfterMs, resetAfterMs, handle },
      }))(this.#log.decisionAt(before)!.answers[0]!),
    );
    return { ...got, handle: handles[0]! };
  }
}

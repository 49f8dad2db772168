import { type CallBatch, type CallOrigin, type Limiter, type ResultColumns, Verb } from "@quorumguard/limiter";
import { slotOf, type TouchedKeys } from "./touched-keys.ts";

interface Columns extends ResultColumns {
  readonly outcomes: Uint8Array;
}

/**
 * Denials from applied state (SEMANTICS D1). The caller has checked leadership, an applied entry of its own term, quorum
 * contact and that this is a first attempt; here are the conditions on the call itself and its key.
 *
 * Whether the rule bans, is a shadow or has counts to carry over is the limiter's to know: then it denies nothing here.
 * A plain take never makes a denied key admissible. Whatever else an unapplied entry does to a key may, and so may a call
 * ahead of it in the same batch: such keys are not answered for.
 */
export class FastPath {
  #columns = createColumns(1_024);
  /** One per call of the last batch: 1 if it is denied. */
  denied = new Uint8Array(1_024);

  get results(): ResultColumns {
    return this.#columns;
  }

  /** Hands the columns to the caller for good: the next batch gets others. */
  release(): ResultColumns {
    const columns = this.#columns;
    this.#columns = createColumns(columns.items);
    return columns;
  }

  /** Judges every call of the batch; returns how many are surely denied. Their values are in {@link results}, one after the other. */
  judge(limiter: Limiter, origin: CallOrigin, batch: CallBatch, stampUs: number, touched: TouchedKeys): number {
    if (batch.sizes !== null) return 0;
    const namespace =
      origin.kind === "session" ? limiter.sessionNamespace(origin.session, origin.nonce) : origin.namespace;
    if (namespace === null) return 0;
    if (origin.kind === "request" && limiter.knowsRequestId(namespace, origin.identity, origin.requestId)) return 0;
    const { calls } = batch;
    if (calls > this.denied.length) {
      this.denied = new Uint8Array(calls);
      this.#columns = createColumns(calls);
    }
    limiter.lookAhead(namespace, batch);
    let count = 0;
    const mixed = batch.verbs !== null;
    const ahead = mixed ? new Set<number>() : null;
    for (let i = 0; i < calls; i++) {
      if (mixed || touched.any) {
        const slot = slotOf(batch, i);
        const isTake = batch.verbs === null || batch.verbs[i] === Verb.take;
        if (!isTake) ahead?.add(slot);
        if (!isTake || touched.has(slot) || ahead?.has(slot) === true) {
          this.denied[i] = 0;
          continue;
        }
      }
      const isDenied =
        limiter.denies(namespace, batch, i, stampUs, this.#columns, count) && !isKnown(limiter, origin, batch, i);
      this.denied[i] = isDenied ? 1 : 0;
      if (isDenied) count++;
    }
    return count;
  }
}

/** A copy that was held up until its retry was decided says that it is a first attempt, and what denies it may be its own charge. */
function isKnown(limiter: Limiter, origin: CallOrigin, batch: CallBatch, call: number): boolean {
  return origin.kind === "session" && limiter.knowsCall(origin.session, origin.nonce, batch.firstNumber + call);
}

function createColumns(items: number): Columns {
  return {
    items,
    outcomes: new Uint8Array(items),
    remaining: new Float64Array(items),
    resetAfterMs: new Float64Array(items),
    retryAfterMs: new Float64Array(items),
    firmForMs: new Float64Array(items),
    handles: new Float64Array(items),
    limits: new Float64Array(items),
    shadows: new Uint8Array(items),
  };
}

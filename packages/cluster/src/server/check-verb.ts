import { endsHold, LAST_VERB, opensHold, Verb } from "@quorumguard/limiter";
import type { ReceivedFrame } from "@quorumguard/proto";
import { edgeLimits } from "./edge-limits.ts";
import { fieldBounds } from "./field-bounds.ts";
import { InvalidField } from "./invalid-field.ts";

/** A call's verb and what belongs to it; the limiter has their meaning. */
export interface CallVerb {
  readonly verb: number;
  readonly ttlMs: number;
  readonly handle: number;
}

/** What every call is that says nothing else. */
export const take: CallVerb = { verb: Verb.take, ttlMs: 0, handle: 0 };

/** Where the parts of a verb stand, for messages. */
export interface VerbPaths {
  readonly verb: string;
  readonly ttlMs: string;
  readonly handle: string;
}

/** A number of 64 bits as one that is counted with; a larger one is told as it came, not rounded. @throws {InvalidField} */
export function exactNumber(value: bigint, field: string, bound: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new InvalidField(field, value, bound);
  return Number(value);
}

/**
 * Holds a call's verb, of `items` items, to its bounds.
 *
 * @throws {InvalidField} when it is none, or a lifetime or a handle does not belong to it or is out of bounds.
 */
export function checkVerb({ verb, ttlMs, handle }: CallVerb, items: number, paths: VerbPaths): void {
  if (!(verb <= LAST_VERB))
    throw new InvalidField(paths.verb, verb, `it must be from 0 (take) to ${LAST_VERB} (give back)`);
  if (verb !== Verb.take && items !== 1) {
    throw new InvalidField(paths.verb, verb, `its call has ${items} items; only a take (0) may have more than one`);
  }
  if (!opensHold(verb)) {
    if (ttlMs !== 0) throw new InvalidField(paths.ttlMs, ttlMs, "it must be 0: this call opens nothing");
  } else if (!(ttlMs >= 0 && ttlMs <= edgeLimits.maxTtlMs)) {
    throw new InvalidField(paths.ttlMs, ttlMs, fieldBounds.ttlMs);
  }
  if (!endsHold(verb)) {
    if (handle !== 0) throw new InvalidField(paths.handle, handle, "it must be 0: this call ends nothing");
  } else if (!(handle >= 1 && handle <= Number.MAX_SAFE_INTEGER)) {
    throw new InvalidField(paths.handle, handle, fieldBounds.handle);
  }
}

/** The same for all calls of a frame, whose columns agree already. @throws {InvalidField} */
export function checkVerbs({ calls, sizes, verbs, ttlsMs, handles }: ReceivedFrame): void {
  if (verbs === null && ttlsMs === null && handles === null) return;
  let item = 0;
  for (let call = 0; call < calls; call++) {
    const size = sizes === null ? 1 : sizes[call]!;
    for (const end = item + size; item < end; item++) {
      const verb = { verb: verbs?.[call] ?? Verb.take, ttlMs: ttlsMs?.[item] ?? 0, handle: handles?.[item] ?? 0 };
      checkVerb(verb, size, {
        verb: `frame.verbs[${call}]`,
        ttlMs: `frame.ttls_ms[${item}]`,
        handle: `frame.handles[${item}]`,
      });
    }
  }
}

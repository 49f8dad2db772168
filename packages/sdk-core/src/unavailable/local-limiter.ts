import { Algorithm, createEntryWriter, createLimiter, type ResultColumns, type Rule } from "@quorumguard/limiter";
import { utf8Length, writeUtf8 } from "@quorumguard/proto";
import { type CallItem, type CallVerb, take } from "../calls/call.ts";
import { localShare, type ResolvedRule } from "../surface/resolved-rule.ts";

/** Keys that one process limits by itself at once. */
const MAX_LOCAL_KEYS = 100_000;

/** A call as far as it is decided here. */
export interface LocalCall extends CallVerb, CallItem {
  readonly group: readonly CallItem[] | null;
}

/** Limits in this process, by the cluster's own algorithms, for as long as the cluster cannot be asked. */
export interface LocalLimiter {
  /** Decides the call now: values in the order of its items, valid until the next call. Null: only the cluster knows its rules. */
  decide(call: LocalCall): ResultColumns | null;
}

/**
 * Makes a local limiter. It outlives outages, so that a flapping connection earns no fresh share (SEMANTICS U1).
 * `clients`: how many share the limit, as far as the cluster has told; 1 before any contact.
 */
export function createLocalLimiter(monotonicMs: () => number, clients: () => number): LocalLimiter {
  const limiter = createLimiter({ maxKeys: MAX_LOCAL_KEYS });
  const writer = createEntryWriter();
  let index = 0;
  return {
    decide(call) {
      const items: readonly CallItem[] = call.group ?? [call];
      const shares: Rule[] = [];
      for (const item of items) {
        const share = localShare(item.rule, clients());
        if (share === null) return null;
        shares.push(ofOneIdentity(share, item.rule));
      }
      const { keyBytes, keyStarts, keyLengths } = layOut(items);
      writer.begin({ takeover: false });
      writer.calls(
        { kind: "anonymous", namespace: "" },
        {
          firstNumber: 0,
          calls: 1,
          items: items.length,
          rules: shares,
          keyBytes,
          keyStarts,
          keyLengths,
          ruleIndexes: Uint32Array.from(items, (_, at) => at),
          costs: Uint32Array.from(items, (item) => item.cost),
          sizes: Uint32Array.of(items.length),
          verbs: call.verb === take.verb ? null : Uint8Array.of(call.verb),
          ttlsMs: call.verb === take.verb ? null : Float64Array.of(call.ttlMs),
          handles: call.verb === take.verb ? null : Float64Array.of(call.handle),
        },
        0,
        1,
      );
      index += 1;
      return limiter.apply(index, writer.finish(Math.floor(monotonicMs() * 1_000))).results;
    },
  };
}

/**
 * A bucket without a name is identified by its numbers: here by those of the whole, which no policy's name looks like. So
 * what a key has used stays used when the share changes.
 */
function ofOneIdentity(share: Rule, whole: ResolvedRule): Rule {
  if (share.policy !== "" || share.algorithm !== Algorithm.tokenBucket) return share;
  return { ...share, policy: `\u0000${whole.limit}/${whole.burst}` };
}

function layOut(items: readonly CallItem[]): { keyBytes: Uint8Array; keyStarts: Uint32Array; keyLengths: Uint32Array } {
  const keyLengths = Uint32Array.from(items, (item) => utf8Length(item.key));
  const keyStarts = new Uint32Array(items.length);
  let total = 0;
  for (let at = 0; at < items.length; at++) {
    keyStarts[at] = total;
    total += keyLengths[at]!;
  }
  const keyBytes = new Uint8Array(total);
  items.forEach((item, at) => {
    writeUtf8(item.key, keyBytes, keyStarts[at]!);
  });
  return { keyBytes, keyStarts, keyLengths };
}

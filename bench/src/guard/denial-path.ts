import { Algorithm, type CallBatch, createEntryWriter, createLimiter } from "@quorumguard/limiter";
import { FastPath } from "../../../packages/cluster/src/node/fast-path.ts";
import { TouchedKeys } from "../../../packages/cluster/src/node/touched-keys.ts";
import type { HotPath } from "./hot-path.ts";

/** Calls of one frame: a client's full batch. */
const CALLS = 64;
const FRAMES = 64;
/** Whom the calls are about, all of them far above their limit. */
const ATTACKERS = 16;
const KEY_BYTES = 20;
const LIMIT = 2;
const STAMP_US = 1_763_000_000_000_000;
/** More keys than a leader's processor keeps at hand, so that it looks ahead. */
const CROWD = 32_768;

function callsOf(firstNumber: number, keys: readonly string[]): CallBatch {
  const calls = keys.length;
  return {
    ...{ firstNumber, calls, items: calls },
    rules: [{ algorithm: Algorithm.tokenBucket, limit: LIMIT, windowUs: 86_400_000_000, burst: LIMIT, policy: "" }],
    keyBytes: Buffer.from(keys.join(""), "latin1"),
    keyStarts: Uint32Array.from(keys, (_, at) => at * KEY_BYTES),
    keyLengths: new Uint32Array(calls).fill(KEY_BYTES),
    ...{ ruleIndexes: null, costs: null, sizes: null, verbs: null, ttlsMs: null, handles: null },
  };
}

const keyOf = (user: number) => `user:${String(user * 7_919).padStart(15, "0")}`;

/** The leader denies a frame of calls from its state, without an entry, while the state has few keys. */
export const leaderDenial = (): HotPath => denialOf(0);

/** The same among many keys. */
export const crowdedDenial = (): HotPath => denialOf(CROWD);

function denialOf(crowd: number): HotPath {
  const limiter = createLimiter();
  const writer = createEntryWriter();
  const nonce = new Uint8Array(16).fill(7);
  writer.begin({ takeover: false });
  writer.register(nonce, STAMP_US, "default");
  const [registered] = limiter.apply(1, writer.finish(STAMP_US)).operations;
  if (registered?.kind !== "registered") throw new Error("a session was not registered");
  const origin = { kind: "session", session: registered.session, nonce, ackedThrough: 0 } as const;
  const attack = Array.from({ length: CALLS }, (_, at) => keyOf(at % ATTACKERS));
  const keys = [...attack, ...Array.from({ length: crowd }, (_, at) => keyOf(ATTACKERS + at))];
  let next = 1;
  for (let from = 0; from < keys.length; from += CALLS) {
    const calls = callsOf(next, keys.slice(from, from + CALLS));
    writer.begin({ takeover: false });
    writer.calls(origin, calls, 0, calls.calls);
    limiter.apply(2 + from / CALLS, writer.finish(STAMP_US));
    next += CALLS;
  }
  const fastPath = new FastPath();
  const touched = new TouchedKeys();
  const later = callsOf(next, attack);
  return {
    unit: "frames of 64 denials",
    operations: FRAMES,
    prepare() {},
    run() {
      for (let i = 0; i < FRAMES; i++) {
        if (fastPath.judge(limiter, origin, later, STAMP_US + i, touched) !== CALLS)
          throw new Error("a call was not denied");
      }
    },
  };
}

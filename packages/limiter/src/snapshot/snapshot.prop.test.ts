import fc from "fast-check";
import { expect, it } from "vitest";
import { createLimiter, restoreLimiter } from "../create-limiter.ts";
import type { EntryWriter } from "../entry.ts";
import type { Bounds, Limiter, SessionId } from "../limiter.ts";
import { batchOf, bucket, copyOf, Harness, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { endsHold, opensHold } from "../verb.ts";
import { SNAPSHOT_VERSION } from "./format.ts";
import { SnapshotError } from "./snapshot-error.ts";

const bounds: Partial<Bounds> = {
  maxKeys: 300,
  maxSessions: 4,
  maxResultsPerSession: 20,
  sessionTtlUs: 50_000,
  maxRequestIds: 10,
  requestIdTtlUs: 20_000,
};
const rules = [
  windowLog(400, 20_000),
  windowLog(3, 9_000, "p"),
  bucket(7, 5_000, 3),
  bucket(1, 1_000, 2_147_483_647, "q"),
];

/** One entry: a seed for its operations, a step of time, and whether a new leader wrote it. */
const step = fc.record({ seed: fc.nat(1_000_000), stepUs: fc.nat(3_000), takeover: fc.boolean(), pieces: fc.nat(3) });
const steps = fc.array(step, { minLength: 5, maxLength: 60 });

/** Operations from a seed: keys by the dozen, sessions known and unknown, retries, acknowledgements, goodbyes. */
function write(writer: EntryWriter, seed: number, stampUs: number, sessions: readonly SessionId[]): void {
  let state = seed;
  const below = (n: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % n;
  };
  for (let operations = below(4); operations > 0; operations--) {
    const item = () => ({ key: `key${below(400)}`, rule: rules[below(rules.length)]!, cost: 1 + below(3) });
    const other = () => {
      const verb = 1 + below(6);
      const ttlMs = opensHold(verb) ? below(20) : 0;
      return { ...item(), verb, ttlMs, handle: endsHold(verb) ? 1 + below(40) : 0 };
    };
    const calls = Array.from({ length: 1 + below(20) }, () =>
      below(6) === 0 ? [other()] : Array.from({ length: below(6) === 0 ? 3 : 1 }, item),
    );
    const which = below(6);
    const session = sessions[which] ?? { index: which, position: 0 };
    const nonce = nonceOf(below(5) === 0 ? 99 : which);
    switch (below(8)) {
      case 0:
        writer.register(nonceOf(which), stampUs - below(60_000), "n");
        break;
      case 1:
        writer.goodbye(session, nonce);
        break;
      case 2:
        writer.renew(session, nonce, below(30));
        break;
      case 3: {
        const requestId = String(below(20));
        writer.calls({ kind: "request", namespace: "n", identity: "i", requestId }, batchOf([calls[0]!]), 0, 1);
        break;
      }
      case 4:
        writer.calls({ kind: "anonymous", namespace: "m" }, batchOf(calls), 0, calls.length);
        break;
      default: {
        const batch = batchOf(calls, 1 + below(60));
        writer.calls({ kind: "session", session, nonce, ackedThrough: below(40) }, batch, 0, calls.length);
      }
    }
  }
}

function replay(limiter: Limiter, entries: Harness["entries"], above: number): void {
  for (const { index, bytes } of entries) if (index > above) limiter.apply(index, bytes);
}

/** Drives a limiter through the steps; `between` runs after each. */
function drive(
  script: readonly { seed: number; stepUs: number; takeover: boolean }[],
  between: (harness: Harness, at: number) => void,
) {
  const harness = new Harness(bounds);
  const sessions: SessionId[] = [];
  let stampUs = START_US;
  for (const [at, { seed, stepUs, takeover }] of script.entries()) {
    stampUs += stepUs - 200;
    const applied = harness.apply(
      stampUs,
      (writer) => write(writer, seed, stampUs, sessions),
      takeover && seed % 5 === 0,
    );
    for (const result of applied.operations) {
      if (result.kind === "registered") sessions[result.session.index % 6] = result.session;
    }
    between(harness, at);
  }
  return harness;
}

it("S8 the same entries give the same hash, results and snapshot on every node", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const harness = drive(script, () => {});
      const other = createLimiter(bounds);
      replay(other, harness.entries, 0);
      expect(other.stateHash()).toEqual(harness.limiter.stateHash());
      expect(snapshotOf(other)).toEqual(snapshotOf(harness.limiter));
    }),
    { numRuns: 30 },
  );
});

it("S8 a cut is of one moment however much is applied while it is read, and its copy goes on alike", () => {
  fc.assert(
    fc.property(steps, fc.nat(30), fc.integer({ min: 1, max: 40_000 }), (script, cutAt, maxBytes) => {
      let cut: ReturnType<Limiter["beginSnapshot"]> | null = null;
      const pieces: Uint8Array[] = [];
      const before: Uint8Array[] = [];
      const read = (count: number) => {
        for (let i = 0; i < count; i++) {
          const piece = cut?.next(maxBytes);
          if (piece) pieces.push(piece);
        }
      };
      const harness = drive(script, ({ limiter }, at) => {
        if (at === Math.min(cutAt, script.length - 1)) {
          before.push(snapshotOf(limiter));
          cut = limiter.beginSnapshot();
        }
        read(script[at]!.pieces);
      });
      read(1_000_000 / maxBytes + 1_000);
      expect(cut!.next(maxBytes)).toBeNull();
      expect(concat(pieces)).toEqual(before[0]);

      const restore = restoreLimiter();
      for (const piece of pieces) restore.write(piece);
      const restored = restore.finish();
      expect(restored.appliedIndex).toBe(cut!.index);
      replay(restored, harness.entries, restored.appliedIndex);
      expect(restored.stateHash()).toEqual(harness.limiter.stateHash());
      expect(restored.stats).toEqual(harness.limiter.stats);
      expect(restored.nextDueUs()).toBe(harness.limiter.nextDueUs());
      expect(snapshotOf(restored)).toEqual(snapshotOf(harness.limiter));
    }),
    { numRuns: 40 },
  );
});

it("S8 one take of another cost, key or stamp shows in the hash", () => {
  const rule = windowLog(100, 1_000_000);
  const hashAfter = (...take: Parameters<Harness["take"]>) => {
    const harness = new Harness();
    harness.take(START_US, "k", rule);
    harness.take(...take);
    return harness.limiter.stateHash().hash;
  };
  const takes: Parameters<Harness["take"]>[] = [
    [START_US, "k", rule],
    [START_US + 1, "k", rule],
    [START_US, "k", rule, 2],
    [START_US, "j", rule],
    [START_US, "k", rule, 1, "m"],
  ];
  const hashes = takes.map((take) => hashAfter(...take));
  expect(new Set(hashes).size).toBe(takes.length);
  expect(hashAfter(...takes[0]!)).toBe(hashes[0]);
  expect(hashes[0]).toMatch(/^[0-9a-f]{16}$/);
});

it("a cut may be given up, and at most one is open", () => {
  const { limiter } = drive([{ seed: 3, stepUs: 300, takeover: false }], () => {});
  const cut = limiter.beginSnapshot();
  expect(() => limiter.beginSnapshot()).toThrow(/open already/);
  cut.release();
  expect(cut.next(1_000)).toBeNull();
  expect(copyOf(limiter).stateHash()).toEqual(limiter.stateHash());
});

it("a snapshot of another version, older or newer, is refused as that", () => {
  const whole = snapshotOf(createLimiter());
  for (const version of [SNAPSHOT_VERSION - 1, SNAPSHOT_VERSION + 1]) {
    const other = whole.slice();
    new DataView(other.buffer, other.byteOffset).setUint32(4, version, true);
    const message = `the snapshot has version ${version}; this version reads ${SNAPSHOT_VERSION}`;
    expect(() => restoreLimiter().write(other)).toThrow(new SnapshotError(message));
  }
});

it("a snapshot that is cut short, goes on, or has one bit changed is refused", () => {
  const script = Array.from({ length: 12 }, (_, i) => ({ seed: 77 * i, stepUs: 500, takeover: false }));
  const whole = snapshotOf(drive(script, () => {}).limiter);
  const restoring = (bytes: Uint8Array) => () => {
    const restore = restoreLimiter();
    restore.write(bytes);
    restore.finish();
  };
  expect(restoring(whole)).not.toThrow();
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
      const damaged = whole.slice();
      damaged[at]! ^= 1 << bit;
      expect(restoring(damaged)).toThrow(SnapshotError);
      expect(restoring(whole.subarray(0, at))).toThrow(SnapshotError);
    }),
    { numRuns: 150 },
  );
  expect(restoring(concat([whole, new Uint8Array(1)]))).toThrow(SnapshotError);
});

function snapshotOf(limiter: Limiter): Uint8Array {
  const cut = limiter.beginSnapshot();
  const pieces: Uint8Array[] = [];
  for (let piece = cut.next(1 << 20); piece !== null; piece = cut.next(1 << 20)) pieces.push(piece);
  return concat(pieces);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

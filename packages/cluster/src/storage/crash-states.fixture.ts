import { crc32 } from "node:zlib";
import { expect } from "vitest";
import { appendOne, type Run } from "./crash-run.fixture.ts";
import { logOf, openForTest } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { type Moment, TestDisk } from "./test-disk.fixture.ts";

/** How much of the states after a power failure is looked at. */
export interface Effort {
  /** Up to so many volatile items, every subset of them; above, a choice. */
  readonly exhaustiveItems: number;
  /** Random subsets where not all are taken. */
  readonly samples: number;
  /** One recovery in so many is cut by a power failure itself. */
  readonly recoveryStride: number;
  /** For one workload. */
  readonly timeoutMs: number;
}

/** Quick by default; QUORUMGUARD_THOROUGH=1, as `npm run test:storage` sets it, looks at far more. */
export const effort: Effort =
  process.env.QUORUMGUARD_THOROUGH === "1"
    ? { exhaustiveItems: 15, samples: 600, recoveryStride: 2, timeoutMs: 3_600_000 }
    : { exhaustiveItems: 9, samples: 16, recoveryStride: 32, timeoutMs: 600_000 };

/** A moment of a run, and what the storage had promised by then. */
export interface Captured {
  readonly moment: Moment;
  readonly done: number;
  readonly told: number;
  readonly published: number;
  /** True: it must abstain; false: it need not; null: either. */
  readonly abstains: boolean | null;
  /** The folder had its identity. */
  readonly identified: boolean;
}

/** What became of the crash states of a run. */
export interface Enumerated {
  readonly moments: number;
  readonly states: number;
  /** Different contents among them; each was recovered. */
  readonly distinct: number;
  readonly cutRecoveries: number;
  /** States in which the newest frame was torn and dropped. */
  readonly torn: number;
}

interface Summary {
  readonly empty: boolean;
  readonly state: Pick<Storage, "lastIndex"> & { readonly term: number; readonly vote: number };
  readonly log: readonly string[];
  readonly abstains: boolean;
  readonly snapshotIndex: number;
  readonly image: string;
}

/** Recovers from every chosen crash state of every moment, and checks what is there against what was promised. */
export async function checkCrashStates(captured: readonly Captured[], run: Run, how: Effort): Promise<Enumerated> {
  const random = seeded(captured.length);
  const seen = new Map<string, Summary>();
  const checksums = new WeakMap<Buffer, number>();
  let states = 0;
  let cutRecoveries = 0;
  let torn = 0;
  for (const each of captured) {
    for (const keeps of subsets(each.moment.items.length, how, random)) {
      states += 1;
      const content = each.moment.after(keeps);
      const key = keyOf(content, checksums);
      let summary = seen.get(key);
      if (summary === undefined) {
        summary = await recover(content);
        seen.set(key, summary);
        if (seen.size % how.recoveryStride === 1) cutRecoveries += await cutRecovery(content, summary, random);
        if (summary.abstains) torn += 1;
      }
      check(summary, each, run);
    }
  }
  return { moments: captured.length, states, distinct: seen.size, cutRecoveries, torn };
}

function check(found: Summary, captured: Captured, run: Run): void {
  if (found.empty) {
    expect(captured.identified, "an identity that was saved is there").toBe(false);
    return;
  }
  const allowed = run.told.slice(captured.done, Math.max(captured.told, captured.done + 1));
  const { term, vote } = found.state;
  const lastIndex = found.state.lastIndex();
  const match = allowed.find(
    (told) =>
      told.term === term &&
      told.vote === vote &&
      told.lastIndex === lastIndex &&
      found.log.every((line) => told.log.get(Number.parseInt(line, 10)) === line),
  );
  if (match === undefined) {
    const states = allowed.map((told) => `term ${told.term} vote ${told.vote} last ${told.lastIndex}`);
    throw new Error(`found term ${term} vote ${vote} last ${lastIndex}, expected one of: ${states.join("; ")}`);
  }
  if (captured.abstains !== null && captured.abstains) expect(found.abstains, "it still abstains").toBe(true);
  expect(found.snapshotIndex).toBeGreaterThanOrEqual(captured.published);
  if (found.snapshotIndex > 0)
    expect(run.images.has(`${found.snapshotIndex} ${found.image}`), "its image is whole").toBe(true);
}

/** Recovers, looks, recovers once more to the same, and goes on writing. */
async function recover(content: ReadonlyMap<string, Buffer>): Promise<Summary> {
  const disk = new TestDisk(content);
  const storage = await openForTest(disk);
  const summary = await summaryOf(storage);
  const again = new TestDisk(disk.content());
  const second = await openForTest(again);
  expect(textOf(await summaryOf(second))).toEqual(textOf(summary));
  await appendOne(second);
  const third = await openForTest(new TestDisk(again.content()));
  expect([third.lastIndex(), third.recovery.droppedLastFrame]).toEqual([second.lastIndex(), summary.abstains]);
  return summary;
}

/** The power fails again, before every operation of the recovery. Returns how often. */
async function cutRecovery(
  content: ReadonlyMap<string, Buffer>,
  expected: Summary,
  random: () => number,
): Promise<number> {
  const disk = new TestDisk(content);
  const moments: Moment[] = [];
  disk.before = () => moments.push(disk.moment());
  await openForTest(disk);
  let count = 0;
  for (const moment of moments) {
    for (const keeps of [() => false, () => true, () => random() < 0.5, () => random() < 0.8]) {
      count += 1;
      const found = await summaryOf(await openForTest(new TestDisk(moment.after(keeps))));
      // A folder that never spoke may be set up a second time; nothing else may change.
      if (!expected.empty || !found.empty) expect(textOf(found)).toEqual(textOf(expected));
    }
  }
  return count;
}

async function summaryOf(storage: Storage): Promise<Summary> {
  const { term, vote } = storage.initialState().hardState;
  const lastIndex = storage.lastIndex();
  const reader = await storage.openSnapshot();
  let image = "";
  for await (const piece of reader?.pieces() ?? []) image += Buffer.from(piece).toString();
  await reader?.close();
  return {
    empty: storage.recovery.empty,
    state: { term, vote, lastIndex: () => lastIndex },
    log: logOf(storage),
    abstains: storage.recovery.droppedLastFrame,
    snapshotIndex: reader?.meta.index ?? 0,
    image,
  };
}

function textOf({ state, ...rest }: Summary): unknown {
  return { ...rest, empty: false, state: [state.term, state.vote, state.lastIndex()] };
}

/**
 * Which items a power failure spares. A disk may write them in any order, so what n items leave behind is one of 2^n subsets. Of few, every
 * subset is looked at. Of many, all of these: every front and every rest of the batch, all but one item, and one item alone; they are 4n.
 * The other subsets are drawn by chance, each draw with a density of its own.
 */
function* subsets(items: number, how: Effort, random: () => number): Generator<(item: number) => boolean> {
  if (items <= how.exhaustiveItems) {
    for (let mask = 0; mask < 2 ** items; mask += 1) yield (item) => (mask & (1 << item)) !== 0;
    return;
  }
  for (let at = 0; at <= items; at += 1) {
    yield (item) => item < at;
    yield (item) => item >= at;
    yield (item) => item !== at;
    yield (item) => item === at;
  }
  for (let sample = 0; sample < how.samples; sample += 1) {
    const density = random();
    const kept = Array.from({ length: items }, () => random() < density);
    yield (item) => kept[item] ?? false;
  }
}

function keyOf(content: ReadonlyMap<string, Buffer>, checksums: WeakMap<Buffer, number>): string {
  const parts: string[] = [];
  for (const [path, bytes] of content) {
    let sum = checksums.get(bytes);
    if (sum === undefined) {
      sum = crc32(bytes);
      checksums.set(bytes, sum);
    }
    parts.push(`${path} ${bytes.length} ${sum}`);
  }
  return parts.sort().join("\n");
}

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

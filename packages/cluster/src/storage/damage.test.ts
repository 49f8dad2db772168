import { beforeAll, describe, expect, it } from "vitest";
import { openStorage } from "./open-storage.ts";
import { appendDurably, entriesFrom, logOf, openForTest, takeSnapshot, testOptions } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { StorageError } from "./storage-error.ts";
import { TestDisk } from "./test-disk.fixture.ts";

type Content = ReadonlyMap<string, Buffer>;

/** All that a node would go on with. */
interface State {
  readonly identity: unknown;
  readonly hardState: unknown;
  readonly log: readonly string[];
  readonly firstIndex: number;
  readonly snapshot: unknown;
  readonly image: string;
  readonly abstains: boolean;
}

/** The same folder in the stages of its life, as copies of its files. */
interface Life {
  /** Entries in one segment. */
  readonly young: Content;
  /** The moment after the first segment went: nothing has been written to META since. */
  readonly compacted: Content;
  /** With a snapshot, a second segment, and the first one gone. */
  readonly grown: Content;
  /** Closed cleanly. */
  readonly closed: Content;
  /** Killed while it worked: nothing proves its last frame. */
  readonly killed: Content;
  /** A torn frame was dropped: it abstains. */
  readonly abstaining: Content;
}

async function live(): Promise<Life> {
  const disk = new TestDisk();
  let storage = await openForTest(disk);
  for (const index of [1, 2, 3]) await appendDurably(storage, entriesFrom(index, 1, 1, 60));
  await storage.close();
  const young = disk.content();
  storage = await openForTest(disk);
  await appendDurably(storage, entriesFrom(4, 2, 2, 25_000), 2);
  await appendDurably(storage, entriesFrom(6, 1, 2, 20_000), 2);
  storage.append({ hardState: { term: 2, vote: 3, commit: 6 }, entries: [], snapshot: null }, () => {});
  await takeSnapshot(storage, 5, 2, ["the state", "at five"]);
  await storage.compact(5);
  const compacted = disk.content();
  await storage.close();
  const grown = disk.content();
  // Work without a pause: META is told every second all the same, but not of the last frame.
  let nowMs = 0;
  storage = await openForTest(disk, { monotonicMs: () => nowMs, setTimer: () => () => {} });
  await appendDurably(storage, entriesFrom(7, 2, 3, 300), 3);
  nowMs += 2_000;
  await appendDurably(storage, [], 4);
  await takeSnapshot(storage, 6, 2, ["the state", "at six"]);
  await storage.compact(6);
  await appendDurably(storage, entriesFrom(9, 1, 4, 10), 4);
  const killed = disk.content();
  await storage.close();
  const closed = disk.content();
  return { young, compacted, grown, closed, killed, abstaining: await abstainingAfter(killed) };
}

async function abstainingAfter(killed: Content): Promise<Content> {
  const disk = new TestDisk(killed);
  const storage = await openForTest(disk);
  await appendDurably(storage, entriesFrom(10, 2, 5, 400), 5);
  const torn = disk.content();
  const path = newestSegment(torn);
  const bytes = torn.get(path);
  if (bytes !== undefined) bytes.fill(0, endOf(bytes) - 200);
  const after = new TestDisk(torn);
  const dropped = await openForTest(after);
  expect(dropped.recovery.droppedLastFrame).toBe(true);
  await dropped.close();
  return after.content();
}

function newestSegment(content: Content): string {
  return (
    [...content.keys()]
      .filter((path) => path.endsWith(".seg"))
      .sort()
      .at(-1) ?? ""
  );
}

function endOf(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}

async function stateOf(storage: Storage): Promise<State> {
  const reader = await storage.openSnapshot();
  let image = "";
  for await (const piece of reader?.pieces() ?? []) image += Buffer.from(piece).toString();
  return {
    identity: storage.identity,
    hardState: storage.initialState(),
    log: logOf(storage),
    firstIndex: storage.firstIndex(),
    snapshot: storage.snapshot(),
    image,
    abstains: storage.recovery.droppedLastFrame,
  };
}

async function read(content: Content): Promise<State> {
  return stateOf(await openStorage(new TestDisk(content), testOptions()));
}

type Verdict = "refused" | "abstains" | "harmless";

/** Opens a damaged folder. @throws if something is wrong with it that nobody would notice. */
async function judge(content: Content, reference: State, what: string): Promise<Verdict> {
  let found: State;
  try {
    found = await read(content);
  } catch (error) {
    if (!(error instanceof StorageError)) throw new Error(`${what}: ${String(error)}`, { cause: error });
    expect(error.message, what).toMatch(/: .{20}/);
    expect(error.file, what).not.toBe("");
    // Every refusal says what to do.
    expect(error.message, what).toMatch(
      /start it with --repair|keep it stopped|exchange the two names|rename it back|move it|start the version/,
    );
    return "refused";
  }
  const { identity } = reference;
  expect(found.identity, what).toEqual(identity);
  if (found.abstains && !reference.abstains) {
    // It lacks at most the end of its log, and will ask the others before it speaks.
    expect(reference.log.slice(0, found.log.length), what).toEqual(found.log);
    return "abstains";
  }
  expect(found, what).toEqual(reference);
  return "harmless";
}

function changed(content: Content, path: string, change: (bytes: Buffer) => Buffer | null): Content {
  const copy = new Map(content);
  const bytes = change(Buffer.from(content.get(path) ?? Buffer.alloc(0)));
  if (bytes === null) copy.delete(path);
  else copy.set(path, bytes);
  return copy;
}

/** Looks at every byte; otherwise at every byte of what is short or a header, and at some of the rest. */
const isThorough = process.env.QUORUMGUARD_THOROUGH === "1";

/** Of every byte that was ever written, and of the zeros behind, so many as there is time for. */
function* positions(path: string, bytes: Buffer, stride: number): Generator<number> {
  const isSegment = path.endsWith(".seg");
  const used = Math.min(bytes.length, endOf(bytes) + 520);
  for (let at = 0; at < bytes.length; ) {
    yield at;
    const isDense = isThorough || bytes.length < 300 || (at < 100 && stride < 512);
    // A payload is under one checksum, whichever of its bytes it is; where frames begin, every field is different.
    const isPayload = isSegment && at % 512 > 110 && !isThorough;
    if (at >= used) at += 4_099;
    else if (isDense) at += stride;
    else at += isPayload ? Math.max(stride, 97) : Math.max(stride, 7);
  }
}

const damages = {
  "a flipped bit": {
    stride: 1,
    change: (bytes: Buffer, at: number) => {
      bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << (at % 8)), at);
      return bytes;
    },
  },
  "a byte of zeros": {
    stride: 5,
    change: (bytes: Buffer, at: number) => bytes.fill(0, at, at + 1),
  },
  "a sector of zeros": {
    stride: 512,
    change: (bytes: Buffer, at: number) => bytes.fill(0, at, Math.min(at + 512, bytes.length)),
  },
  "a sector of another place": {
    stride: 512,
    change: (bytes: Buffer, at: number) => {
      bytes.copy(bytes, at, (at + 512) % bytes.length, Math.min(((at + 512) % bytes.length) + 512, bytes.length));
      return bytes;
    },
  },
  "a cut": {
    stride: 11,
    change: (bytes: Buffer, at: number) => Buffer.from(bytes.subarray(0, at)),
  },
} as const;

let life: Life;
beforeAll(async () => {
  life = await live();
});

/**
 * One kind of damage cannot be told from writes that never were, and is left out here: the whole last frame of a node that was
 * killed, gone to its last byte, within the second after which META would say that it was durable.
 */
function isUndetectable(stage: string, path: string, content: Content, after: Content): boolean {
  if (stage !== "killed" || path !== newestSegment(content)) return false;
  const bytes = after.get(path);
  const before = content.get(path);
  if (bytes === undefined || before === undefined || bytes.length < before.length) return false;
  const lastFrame = endOf(before) - (endOf(before) % 512);
  return endOf(bytes) <= lastFrame;
}

describe.each(["young", "compacted", "closed", "killed", "abstaining"] as const)(
  "the files of a folder, %s",
  (stage) => {
    it.each(Object.keys(damages) as (keyof typeof damages)[])(
      "G2: with %s anywhere in any of them, are refused or make no difference",
      { timeout: isThorough ? 3_600_000 : 600_000 },
      async (kind) => {
        const content = life[stage];
        const reference = await read(content);
        const { stride, change } = damages[kind];
        const verdicts = { refused: 0, abstains: 0, harmless: 0 };
        for (const [path, bytes] of content) {
          for (const at of positions(path, bytes, stride)) {
            const damaged = changed(content, path, (copy) => change(copy, at));
            if (isUndetectable(stage, path, content, damaged)) continue;
            const verdict = await judge(damaged, reference, `${path} byte ${at}`);
            // Either slot of META is enough; only what is cut off takes both.
            if (path === "meta" && kind !== "a cut") expect(verdict, `${path} byte ${at}`).not.toBe("refused");
            verdicts[verdict] += 1;
          }
        }
        process.stdout.write(`${stage}, ${kind}: ${JSON.stringify(verdicts)}\n`);
        expect(verdicts.refused).toBeGreaterThan(0);
        if (stage === "killed" && kind === "a flipped bit") expect(verdicts.abstains).toBeGreaterThan(10);
      },
    );

    it("G9: without one of them, are refused: nothing is ever founded anew beside what is left", async () => {
      const content = life[stage];
      const reference = await read(content);
      for (const path of content.keys()) {
        const verdict = await judge(
          changed(content, path, () => null),
          reference,
          `without ${path}`,
        );
        expect([path, verdict]).toEqual([path, "refused"]);
      }
      // Whole folders gone, with and without the identity.
      for (const gone of [
        ["log/"],
        ["snapshots/"],
        ["log/", "snapshots/"],
        ["log/", "identity"],
        ["meta", "identity"],
      ]) {
        const rest = new Map([...content].filter(([path]) => !gone.some((start) => path.startsWith(start))));
        if (rest.size === content.size) continue;
        const hadSnapshot = [...content.keys()].some((path) => path.startsWith("snapshots/"));
        if (gone.length === 1 && gone[0] === "snapshots/" && !hadSnapshot) continue;
        expect([gone, await judge(rest, reference, `without ${gone.join(" and ")}`)]).toEqual([gone, "refused"]);
      }
    });

    it("with an older version of one of them put back, are refused or make no difference", async () => {
      const content = life[stage];
      const reference = await read(content);
      for (const older of [life.young, life.compacted, life.grown, life.closed]) {
        if (older === content) break;
        if (stage === "killed" && older === life.closed) continue;
        for (const [path, bytes] of older) {
          const current = content.get(path);
          if (current?.equals(bytes)) continue;
          await judge(
            changed(content, path, () => bytes),
            reference,
            `an old ${path}`,
          );
          // An old snapshot under the name of the new one.
          for (const name of content.keys()) {
            if (name === path || !name.endsWith(".snap") || !path.endsWith(".snap")) continue;
            const verdict = await judge(
              changed(content, name, () => bytes),
              reference,
              `${path} as ${name}`,
            );
            expect(verdict).toBe("refused");
          }
        }
      }
    });
  },
);

describe("segments", () => {
  it("G8: that were swapped, renamed or doubled are refused, whatever their base index", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    for (let index = 1; index <= 12; index += 1) await appendDurably(storage, entriesFrom(index, 1, 1, 12_000));
    await storage.close();
    const content = disk.content();
    const reference = await read(content);
    const names = [...content.keys()].filter((path) => path.endsWith(".seg")).sort();
    expect(names.length).toBeGreaterThan(2);
    for (const one of names) {
      for (const other of names) {
        if (one === other) continue;
        const swapped = new Map(content);
        swapped.set(one, content.get(other) ?? Buffer.alloc(0));
        swapped.set(other, content.get(one) ?? Buffer.alloc(0));
        expect(await judge(swapped, reference, `${one} and ${other} swapped`)).toBe("refused");
        const doubled = new Map(content).set(one, content.get(other) ?? Buffer.alloc(0));
        expect(await judge(doubled, reference, `${other} also as ${one}`)).toBe("refused");
      }
    }
  });
});

describe("files that do not count", () => {
  it("make no difference whatever is in them: a spare segment, half a snapshot, what repair set aside", async () => {
    const reference = await read(life.closed);
    const more: [string, Buffer][] = [
      ["log/00000000000000ff.spare", Buffer.alloc(70_000, 7)],
      ["log/x.1.damaged", Buffer.alloc(7, 7)],
      ["log/notes.txt", Buffer.from("hello")],
      ["snapshots/00000000000000000009-00000000000000000009-1.part", Buffer.alloc(99, 7)],
      ["snapshots/00000000000000000009-00000000000000000009.received", Buffer.alloc(99, 7)],
      ["snapshots/x.1.damaged", Buffer.alloc(7, 7)],
      ["identity.part", Buffer.alloc(9, 7)],
      ["founding-nonce", Buffer.alloc(9, 7)],
      ["lost+found", Buffer.alloc(0)],
    ];
    for (const [path, bytes] of more) {
      expect(await judge(new Map(life.closed).set(path, bytes), reference, path)).toBe("harmless");
    }
    expect(await judge(new Map([...life.closed, ...more]), reference, "all of them")).toBe("harmless");
  });
});

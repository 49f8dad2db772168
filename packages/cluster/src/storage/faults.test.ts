import { expect, it } from "vitest";
import { matches, Run, type Step, turn } from "./crash-run.fixture.ts";
import { openForTest } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { StorageError } from "./storage-error.ts";
import { type Operation, ShortWrite, TestDisk } from "./test-disk.fixture.ts";

const append = (count: number, bytes: number, back = 0): Step => ({ kind: "append", count, bytes, back });
const wait: Step = { kind: "wait" };

/** Everything that a storage does, once. */
const work: readonly Step[] = [
  append(2, 300),
  wait,
  { kind: "vote" },
  wait,
  append(3, 12_000),
  wait,
  append(2, 14_000),
  wait,
  { kind: "commit" },
  append(1, 700, 1),
  wait,
  { kind: "snapshot", back: 0 },
  append(1, 40),
  wait,
  { kind: "receive", ahead: 2 },
  append(1, 90),
  wait,
  { kind: "settle" },
  wait,
];

/** What a call of the file system does instead of its work. */
interface Fault {
  readonly name: string;
  /** From the call of that number on, or for it alone. */
  readonly lasts: boolean;
  error(operation: Operation): Error;
}

const faults: readonly Fault[] = [
  {
    name: "G6: a write or flush that fails once (EIO) is not tried again",
    lasts: false,
    error: () => new Error("EIO: input/output error"),
  },
  {
    name: "ENOSPC from then on, half of the first write done",
    lasts: true,
    error: (operation) => (operation === "write" ? new ShortWrite(0.5) : new Error("ENOSPC: no space left")),
  },
  {
    name: "a short write, once",
    lasts: false,
    error: (operation) => (operation === "write" ? new ShortWrite(0.99) : new Error("EIO: input/output error")),
  },
];

/** What a full disk forbids; the rest goes on. */
const needsSpace: readonly Operation[] = ["open", "write"];

/** A disk of which one call fails, and what is done to it afterwards. */
class FaultyDisk {
  readonly disk = new TestDisk();
  /** Calls so far. */
  calls = 0;
  failed: { readonly operation: Operation; readonly path: string } | null = null;
  /** Writes and flushes of the file of which a flush failed, after that: there must be none. */
  retries = 0;

  constructor(failAt: number, fault: Fault) {
    const call = (operation: Operation, path: string): void => {
      const number = this.calls;
      this.calls += 1;
      if (this.failed?.operation === "flush" && this.failed.path === path) {
        if (operation === "flush" || operation === "write") this.retries += 1;
      }
      if (number < failAt || (number > failAt && !fault.lasts)) return;
      if (fault.lasts && this.failed !== null && !needsSpace.includes(operation)) return;
      this.failed ??= { operation, path };
      throw fault.error(operation);
    };
    this.disk.before = call;
    this.disk.beforeLooking = call;
  }

  mend(): void {
    this.disk.before = () => {};
    this.disk.beforeLooking = () => {};
  }
}

interface Outcome {
  readonly fatal: readonly Error[];
  readonly rejected: unknown;
  readonly run: Run | null;
  readonly storage: Storage | null;
}

/** Works until it is done, or the storage said that it failed, or a call was refused; then asks for more. */
async function workOn(faulty: FaultyDisk): Promise<Outcome> {
  const fatal: Error[] = [];
  const setTimer = (callback: () => void): (() => void) => {
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  };
  let run: Run | null = null;
  let storage: Storage | null = null;
  let rejected: unknown = null;
  try {
    storage = await openForTest(faulty.disk, { setTimer, onFatal: (error) => fatal.push(error) });
    run = new Run(storage);
    for (const step of work) {
      if (step.kind !== "wait") await run.take(step);
      while (step.kind === "wait" && run.done < run.told.length - 1 && fatal.length === 0) await turn();
      if (fatal.length > 0) break;
    }
  } catch (error) {
    rejected = error;
  }
  for (let idle = 0; idle < 4; idle += 1) await turn();
  return { fatal, rejected, run, storage };
}

/** What was acknowledged is there: as the machine goes on, and after a power failure, at once and after a start. */
async function checkRecovery(faulty: FaultyDisk, run: Run | null, what: string): Promise<void> {
  faulty.mend();
  const { disk } = faulty;
  const told = run?.told ?? [{ term: 0, vote: 0, lastIndex: 0, log: new Map<number, string>() }];
  const allowed = told.slice(run?.done ?? 0);
  const isAllowed = (storage: Storage): boolean => allowed.some((each) => matches(storage, each));
  const dark = await openForTest(disk.afterPowerFailure(() => false));
  expect([what, "after a power failure", isAllowed(dark)]).toEqual([what, "after a power failure", true]);
  const restarted = await openForTest(disk);
  expect([what, "after a restart", isAllowed(restarted)]).toEqual([what, "after a restart", true]);
  const later = await openForTest(disk.afterPowerFailure(() => false));
  expect([what, later.lastIndex(), later.initialState().hardState]).toEqual([
    what,
    restarted.lastIndex(),
    restarted.initialState().hardState,
  ]);
}

it.each(faults)("stops once, acknowledges nothing more, and loses nothing: $name, at every call", async (fault) => {
  const sound = new FaultyDisk(Number.POSITIVE_INFINITY, fault);
  const whole = await workOn(sound);
  expect([whole.fatal, whole.rejected]).toEqual([[], null]);
  const seen = { fatal: 0, refused: 0, borne: 0 };
  for (let failAt = 0; failAt < sound.calls; failAt += 1) {
    const faulty = new FaultyDisk(failAt, fault);
    const { fatal, rejected, run, storage } = await workOn(faulty);
    if (faulty.failed === null) continue;
    const what = `call ${failAt}, ${faulty.failed.operation} ${faulty.failed.path}`;
    expect([what, faulty.retries]).toEqual([what, 0]);
    expect([what, fatal.length <= 1]).toEqual([what, true]);
    const done = run?.done ?? 0;
    if (fatal.length > 0) {
      seen.fatal += 1;
      expect(fatal[0]).toBeInstanceOf(StorageError);
      faulty.mend();
      // The disk works again, and still the storage says nothing more.
      storage?.append({ hardState: null, entries: [], snapshot: null }, () => expect.unreachable(what));
      for (let idle = 0; idle < 4; idle += 1) await turn();
      expect([what, run?.done, fatal.length]).toEqual([what, done, 1]);
    } else if (rejected !== null) {
      seen.refused += 1;
    } else {
      // Only what is prepared ahead may fail without a word.
      seen.borne += 1;
      expect([what, /\.spare$|^log$/.test(faulty.failed.path)]).toEqual([what, true]);
    }
    await checkRecovery(faulty, run, what);
  }
  process.stdout.write(`${fault.name}: ${sound.calls} calls, ${JSON.stringify(seen)}\n`);
  expect(Math.min(seen.fatal, seen.refused)).toBeGreaterThan(5);
});

/** A process with one limiter and nothing else: fills it, asks it, cuts an image of it, lets it expire. Started by the scenario. */
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Algorithm, createLimiter, type Limiter } from "@quorumguard/limiter";
import { DelayClock, delaysUntil, summarizeDelays } from "./delay-clock.ts";
import type { SubjectReport, Task } from "./messages.ts";
import { CALLS_PER_ENTRY, EXPIRY_US, KEYS_PER_SESSION, type Turn, Workload } from "./workload.ts";

/** As the node cuts its images: a piece, and a look at the clock. */
const PIECE_BYTES = 65_536;
const SLICE_MS = 2;
const START_US = 1_763_000_000_000_000;
const FOUR_HUNDRED_DAYS_US = 34_560_000_000_000;

const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
/** Processor time of this thread so far: it stands still while others on the machine have the processor. */
function ownMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

const tell = (report: SubjectReport) => process.send!(report);

/** One algorithm's phases. */
class Subject {
  readonly #clock = new DelayClock();
  readonly #limiter: Limiter;
  readonly #workload: Workload;
  #skippedUs = 0;
  #entries = 0;
  /** Delays of what is due every millisecond of the thread's own processor time. */
  #own: number[] = [];
  #ownDueMs = 0;

  constructor({ algorithm, keys }: Task) {
    // Room for every slot, and for the strangers of one entry; sessions that outlive the jump to where all keys have expired. The rest is as by default.
    const bounds = {
      maxKeys: keys + CALLS_PER_ENTRY,
      maxHolds: Math.max(100_000, keys * 1.2),
      maxHoldsPerSession: KEYS_PER_SESSION * 1.2,
      sessionTtlUs: FOUR_HUNDRED_DAYS_US,
    };
    this.#limiter = createLimiter(bounds);
    const number = Algorithm[algorithm as keyof typeof Algorithm];
    this.#workload = new Workload(this.#limiter, number, keys, () => this.#nowUs());
  }

  #nowUs(): number {
    return START_US + this.#skippedUs + Math.floor(performance.now() * 1_000);
  }

  /** Runs `turn` in an event-loop turn of its own, again and again until it says false. */
  async #turns(turn: () => boolean): Promise<void> {
    for (let more = true; more; await endOfTurn()) {
      this.#ownDueMs = delaysUntil(ownMs(), this.#ownDueMs, this.#own);
      more = turn();
      this.#entries++;
    }
  }

  async #phase(phase: string, work: () => Promise<number>): Promise<void> {
    tell({ kind: "begin" });
    await endOfTurn();
    this.#entries = 0;
    this.#own = [];
    const beganMs = performance.now();
    this.#clock.begin();
    this.#ownDueMs = ownMs();
    const decisions = await work();
    const stretch = this.#clock.end();
    this.#ownDueMs = delaysUntil(ownMs(), this.#ownDueMs, this.#own);
    const facts = {
      ...stretch,
      own: summarizeDelays(this.#own),
      seconds: Math.round(performance.now() - beganMs) / 1_000,
      entries: this.#entries,
      decisions,
      keys: this.#limiter.stats.keys,
    };
    tell({ kind: "end", phase, facts });
    await endOfTurn();
  }

  /** Entries of calls, `count` of them, each in a turn of its own; returns how many calls were allowed. */
  async #calls(turn: Turn, count: number): Promise<number> {
    let allowed = 0;
    await this.#turns(() => {
      allowed += this.#workload.entry(turn);
      return --count > 0;
    });
    return allowed;
  }

  /** Reads an image to its end as the node does, and writes it to a file; returns its size in bytes. */
  async #image(): Promise<number> {
    const file = path.join(tmpdir(), `quorumguard-image-${process.pid}`);
    const handle = await open(file, "w");
    const cut = this.#limiter.beginSnapshot();
    let bytes = 0;
    try {
      let sliceBeganMs = performance.now();
      for (let piece = cut.next(PIECE_BYTES); piece !== null; piece = cut.next(PIECE_BYTES)) {
        bytes += piece.length;
        await handle.write(piece);
        if (performance.now() - sliceBeganMs < SLICE_MS) continue;
        await endOfTurn();
        sliceBeganMs = performance.now();
      }
    } finally {
      cut.release();
      await handle.close();
      await rm(file);
    }
    return bytes;
  }

  /** Takes go on while an image is cut, and make it copy the pages that they write to. */
  async #imageUnderLoad(): Promise<number> {
    let done = false;
    let allowed = 0;
    const image = this.#image().finally(() => {
      done = true;
    });
    this.#workload.rewind();
    await this.#turns(() => {
      allowed += this.#workload.entry("again");
      return !done;
    });
    await image;
    return allowed;
  }

  /** All keys expire at one moment. Some entries want room for new keys, then the cluster is idle until nothing is left to free. */
  async #expiry(round: number): Promise<number> {
    this.#skippedUs += EXPIRY_US;
    this.#workload.rewind();
    const allowed = await this.#calls("others", Math.ceil(round / 10));
    await this.#turns(() => {
      this.#workload.stamp();
      return this.#limiter.stats.keys > allowed;
    });
    return allowed;
  }

  async run({ keys, onlyGrowth = false }: Task): Promise<void> {
    const { round } = this.#workload;
    const before = process.memoryUsage().rss;
    await this.#phase("growth", () => this.#calls("fill", round));
    if (this.#limiter.stats.keys !== keys) throw new Error(`${this.#limiter.stats.keys} of ${keys} keys are live`);
    const resident = process.memoryUsage().rss - before;
    const bytes = await this.#image();
    const tellMemory = (later: number) => {
      const each = (sum: number) => Math.round((sum / keys) * 10) / 10;
      const memory = { bytesPerKey: each(bytes), bytesPerKeyLater: each(later), residentBytesPerKey: each(resident) };
      tell({ kind: "memory", memory });
    };
    if (onlyGrowth) {
      tellMemory(bytes);
      this.#clock.close();
      return;
    }
    this.#workload.rewind();
    await this.#phase("steady", () => this.#calls("again", round * 2));
    tellMemory(await this.#image());
    await this.#phase("snapshot", () => this.#imageUnderLoad());
    this.#workload.rewind();
    await this.#phase("full", () => this.#calls("strangers", Math.ceil(round / 2)));
    await this.#phase("takeover", async () => {
      await this.#turns(() => {
        this.#workload.stamp(true);
        return false;
      });
      return 0;
    });
    await this.#phase("expiry", () => this.#expiry(round));
    this.#clock.close();
  }
}

const task = JSON.parse(process.argv[2]!) as Task;
await new Subject(task).run(task);
process.disconnect();

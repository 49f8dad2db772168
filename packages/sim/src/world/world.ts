import { createEventQueue } from "./event-queue.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/**
 * The virtual world: one queue of events, one clock, one order. Production code runs inside its events; after each of
 * them every promise that can settle has settled, so the order of everything follows from the seed.
 */
export interface World {
  /** Microseconds since the world began: the only true time. */
  readonly nowUs: number;
  readonly random: Random;
  readonly trace: Trace;
  /** Events handled so far. */
  readonly events: number;
  /** Whose code is running, or null for the world's own. */
  readonly current: Process | null;
  /** Does something after `delayUs`, in the name of `process` (null: the world itself). Returns what cancels it. */
  schedule(delayUs: number, process: Process | null, label: string, action: () => void): () => void;
  /** Resolves after `delayUs`, if the process still lives then; otherwise never. */
  sleep(delayUs: number, process: Process | null, label: string): Promise<void>;
  spawn(name: string): Process;
  /** Ends a process at once. */
  kill(process: Process): void;
  pause(process: Process): void;
  resume(process: Process): void;
  /** Called after every event, with whose it was. */
  onEvent(listener: (process: Process | null) => void): void;
  /** Production code threw out of an event: nothing in it may. */
  readonly crashes: readonly { readonly process: string; readonly error: unknown }[];
  /** Runs until the predicate holds or virtual time reaches `untilUs`. Returns whether the predicate held. */
  run(untilUs: number, done?: () => boolean): Promise<boolean>;
  /** Asked after every event: once it says yes nothing happens any more, and time stands still. */
  haltWhen(isOver: () => boolean): void;
  readonly halted: boolean;
}

interface WorldEvent {
  timeUs: number;
  sequence: number;
  cancelled: boolean;
  readonly process: LiveProcess | null;
  readonly label: string;
  readonly action: () => void;
}

interface LiveProcess extends Process {
  alive: boolean;
  paused: boolean;
  /** What came due while it was paused. */
  readonly held: WorldEvent[];
  readonly deathListeners: (() => void)[];
}

/** Captured once, before a sealed run replaces the globals. */
const realImmediate = setImmediate;

/** Runs work in a macrotask of its own, where {@link settlePromises} can. */
function inMacrotask<Result>(work: () => Result): Promise<Result> {
  return new Promise((resolve, reject) => {
    realImmediate(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/**
 * Runs all ticks and microtasks that are due, and all that they bring about: what Node itself does at the end of each
 * macrotask. Node has no documented call for that; a real macrotask per event does the same and takes a fifth longer.
 */
const settlePromises = (process as unknown as { readonly _tickCallback: () => void })._tickCallback;

/** Makes a world at time 0 in which nothing happens yet. */
export function createWorld(random: Random, trace: Trace): World {
  const queue = createEventQueue<WorldEvent>();
  const listeners: ((process: Process | null) => void)[] = [];
  const crashes: { process: string; error: unknown }[] = [];
  let nowUs = 0;
  let sequence = 0;
  let events = 0;
  let current: LiveProcess | null = null;
  let halted = false;
  let isOver = () => false;

  function enqueue(delayUs: number, process: LiveProcess | null, label: string, action: () => void): WorldEvent {
    // Not a number or negative would corrupt the order of everything; a caller that computes such a delay is wrong.
    if (!(delayUs >= 0)) throw new Error(`delayUs ${delayUs} of "${label}" must be 0 or more`);
    const timeUs = nowUs + Math.ceil(delayUs);
    const event = { timeUs, sequence: sequence++, cancelled: false, process, label, action };
    queue.push(event);
    return event;
  }

  function handle(event: WorldEvent): void {
    const process = event.process;
    trace.event(nowUs, process === null ? event.label : `${process.name}: ${event.label}`);
    current = process;
    try {
      event.action();
    } catch (error) {
      crashes.push({ process: process?.name ?? "world", error });
    }
  }

  function runUntil(untilUs: number, done?: () => boolean): boolean {
    while (!halted && queue.nextTimeUs() <= untilUs) {
      const event = queue.pop()!;
      nowUs = event.timeUs;
      if (event.process !== null) {
        if (!event.process.alive) continue;
        if (event.process.paused) {
          event.process.held.push(event);
          continue;
        }
      }
      events++;
      handle(event);
      settlePromises();
      for (const listener of listeners) listener(event.process);
      current = null;
      halted = isOver();
      if (!halted && done?.() === true) return true;
    }
    if (halted) return false;
    nowUs = untilUs;
    return done?.() === true;
  }

  const world: World = {
    get nowUs() {
      return nowUs;
    },
    get events() {
      return events;
    },
    get current() {
      return current;
    },
    random,
    trace,
    crashes,
    schedule(delayUs, process, label, action) {
      const event = enqueue(delayUs, process as LiveProcess | null, label, action);
      return () => {
        event.cancelled = true;
      };
    },
    sleep: (delayUs, process, label) => new Promise((resolve) => world.schedule(delayUs, process, label, resolve)),
    spawn(name) {
      const process: LiveProcess = {
        name,
        alive: true,
        paused: false,
        held: [],
        deathListeners: [],
        onDeath: (listener) => {
          process.deathListeners.push(listener);
        },
      };
      return process;
    },
    kill(process) {
      const live = process as LiveProcess;
      if (!live.alive) return;
      live.alive = false;
      live.held.length = 0;
      for (const listener of live.deathListeners) listener();
    },
    pause(process) {
      (process as LiveProcess).paused = true;
    },
    resume(process) {
      const live = process as LiveProcess;
      live.paused = false;
      for (const event of live.held.splice(0)) {
        // The same object, so that what cancels it still does.
        event.timeUs = nowUs;
        event.sequence = sequence++;
        queue.push(event);
      }
    },
    onEvent(listener) {
      listeners.push(listener);
    },
    get halted() {
      return halted;
    },
    haltWhen(predicate) {
      isOver = predicate;
    },
    run: (untilUs, done) => inMacrotask(() => runUntil(untilUs, done)),
  };
  return world;
}

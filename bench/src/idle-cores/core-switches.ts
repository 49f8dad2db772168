/** Of all cores together, in seconds of one core. */
export interface IdleTimes {
  readonly all: number;
  /** A core ran nobody. */
  readonly idle: number;
  /** And meanwhile one of the threads that are looked at was ready to run, and waited for a core that was not idle. */
  readonly idleThoughWaiting: number;
  /** And meanwhile one was on its way onto the idle core. */
  readonly idleThoughWoken: number;
}

interface Switch {
  readonly atSeconds: number;
  readonly core: number;
  /** Who ran; null: nobody, or whoever did has not been stopped against its will. */
  readonly displaced: number | null;
  readonly next: number;
}

interface Waking {
  readonly atSeconds: number;
  readonly thread: number;
}

const eventOf = /\[(\d+)\]\s+([\d.]+):\s+sched:(sched_switch|sched_waking|sched_stat_runtime): (.*)$/;
const switchOf = /prev_pid=(\d+) prev_prio=\d+ prev_state=(\S+) ==> .*next_pid=(\d+)/;
const wakingOf = /pid=(\d+) prio=/;
const runtimeOf = /pid=(\d+) runtime=(\d+)/;
/** The thread that the kernel runs on a core that has nothing else to run. */
const idler = 0;

/** Who runs and who is ready, from the kernel's record of switches, wakings and times, as `perf script` prints it. */
export class CoreSwitches {
  readonly #cores: number;
  /** Those that the record has anything of; all others ran nobody all the time. */
  readonly #recorded = new Set<number>();
  readonly #looksAt: ReadonlySet<number>;
  readonly #events: (Switch | Waking)[] = [];
  /** By core, the thread that the record has there last, and since when. */
  readonly #last = new Map<number, { readonly thread: number; readonly atSeconds: number }>();
  /** By thread, for how long it has run since it was switched out last. */
  readonly #ranSeconds = new Map<number, number>();

  constructor(cores: number, looksAt: ReadonlySet<number>) {
    this.#cores = cores;
    this.#looksAt = looksAt;
  }

  line(text: string): void {
    const event = eventOf.exec(text);
    if (event === null) return;
    const [, core, seconds, kind, fields] = event as unknown as [string, string, string, string, string];
    if (kind !== "sched_waking") this.#recorded.add(Number(core));
    if (kind === "sched_switch") this.#switch(Number(seconds), Number(core), fields);
    else if (kind === "sched_waking")
      this.#events.push({ atSeconds: Number(seconds), thread: Number(wakingOf.exec(fields)![1]) });
    else this.#ran(fields);
  }

  #ran(fields: string): void {
    const [, thread, nanoseconds] = runtimeOf.exec(fields)!.map(Number) as [number, number, number];
    this.#ranSeconds.set(thread, (this.#ranSeconds.get(thread) ?? 0) + nanoseconds / 1e9);
  }

  #switch(atSeconds: number, core: number, fields: string): void {
    const [, previousText, state, nextText] = switchOf.exec(fields) as unknown as [string, string, string, string];
    const [previous, next] = [Number(previousText), Number(nextText)];
    const last = this.#last.get(core);
    // Some kernels do not record on every core how it stops being idle: then whoever runs since has been there for as long as it ran.
    if (last !== undefined && last.thread !== previous) {
      const began = Math.max(last.atSeconds, atSeconds - (this.#ranSeconds.get(previous) ?? 0));
      this.#events.push({ atSeconds: began, core, displaced: null, next: previous });
    }
    this.#ranSeconds.delete(previous);
    this.#last.set(core, { thread: next, atSeconds });
    // Who did not want to stop is ready to go on.
    this.#events.push({ atSeconds, core, displaced: state!.startsWith("R") ? previous : null, next });
  }

  /** What all lines come to. */
  times(): IdleTimes {
    const events = this.#events.toSorted((one, other) => one.atSeconds - other.atSeconds);
    const destinations = destinationsOf(events);
    const running = new Map<number, number>();
    const ready = new Set<number>();
    const becomesReady = (thread: number) => {
      if (this.#looksAt.has(thread)) ready.add(thread);
    };
    const times = { all: 0, idle: 0, idleThoughWaiting: 0, idleThoughWoken: 0 };
    const unused = this.#cores - this.#recorded.size;
    let atSeconds = 0;
    for (const event of events) {
      const passed = event.atSeconds - atSeconds;
      atSeconds = event.atSeconds;
      // Until each of them has switched once, there is a core of which it is not known what it does.
      if (running.size === this.#recorded.size) {
        const idle = [...running.keys()].filter((core) => running.get(core) === idler);
        const awaited = [...ready].map((thread) => destinations.get(thread)?.[0]);
        const woken = idle.filter((core) => awaited.includes(core)).length;
        const waiting = awaited.filter((core) => core !== undefined && !idle.includes(core)).length;
        times.all += passed * this.#cores;
        times.idle += passed * (idle.length + unused);
        times.idleThoughWoken += passed * woken;
        times.idleThoughWaiting += passed * Math.min(idle.length + unused - woken, waiting);
      }
      if ("thread" in event) {
        if (![...running.values()].includes(event.thread)) becomesReady(event.thread);
      } else {
        running.set(event.core, event.next);
        ready.delete(event.next);
        destinations.get(event.next)!.shift();
        if (event.displaced !== null) becomesReady(event.displaced);
      }
    }
    return times;
  }
}

/** By thread, the cores on which it will run, one after the other. */
function destinationsOf(events: readonly (Switch | Waking)[]): ReadonlyMap<number, number[]> {
  const destinations = new Map<number, number[]>();
  for (const event of events) {
    if ("thread" in event) continue;
    const cores = destinations.get(event.next) ?? [];
    cores.push(event.core);
    destinations.set(event.next, cores);
  }
  return destinations;
}

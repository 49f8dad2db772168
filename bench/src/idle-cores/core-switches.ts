/** Of all cores together, in seconds of one core. */
export interface IdleTimes {
  readonly all: number;
  /** A core ran nobody. */
  readonly idle: number;
  /** And meanwhile one of the threads that are looked at was ready to run, and waited for another core. */
  readonly idleThoughReady: number;
}

const eventOf = /\[(\d+)\]\s+([\d.]+):\s+sched:(sched_switch|sched_waking): (.*)$/;
const switchOf = /prev_pid=(\d+) prev_prio=\d+ prev_state=(\S+) ==> .*next_pid=(\d+)/;
const wakingOf = /pid=(\d+) prio=/;
/** The thread that the kernel runs on a core that has nothing else to run. */
const idler = 0;

/** Follows who runs and who is ready through the kernel's record of switches, as `perf script` prints it. */
export class CoreSwitches {
  readonly #cores: number;
  readonly #looksAt: ReadonlySet<number>;
  /** By core, the thread that it runs; what ran before its first switch nobody knows. */
  readonly #running = new Map<number, number>();
  readonly #ready = new Set<number>();
  #atSeconds = 0;
  #times = { all: 0, idle: 0, idleThoughReady: 0 };

  constructor(cores: number, looksAt: ReadonlySet<number>) {
    this.#cores = cores;
    this.#looksAt = looksAt;
  }

  get times(): IdleTimes {
    return { ...this.#times };
  }

  line(text: string): void {
    const event = eventOf.exec(text);
    if (event === null) return;
    const [, core, seconds, kind, fields] = event as unknown as [string, string, string, string, string];
    this.#passUntil(Number(seconds));
    if (kind === "sched_switch") this.#switch(Number(core), fields);
    else this.#wake(fields);
  }

  #passUntil(seconds: number): void {
    const passed = seconds - this.#atSeconds;
    this.#atSeconds = seconds;
    // Until each core has switched once, there is a core of which it is not known what it does.
    if (this.#running.size < this.#cores) return;
    this.#times.all += passed * this.#cores;
    const idle = [...this.#running.values()].filter((thread) => thread === idler).length * passed;
    this.#times.idle += idle;
    if (this.#ready.size > 0) this.#times.idleThoughReady += idle;
  }

  #switch(core: number, fields: string): void {
    const [, previous, state, next] = switchOf.exec(fields)!;
    this.#running.set(core, Number(next));
    this.#ready.delete(Number(next));
    // Who did not want to stop is ready to go on.
    if (state!.startsWith("R")) this.#becomesReady(Number(previous));
  }

  #wake(fields: string): void {
    const thread = Number(wakingOf.exec(fields)![1]);
    if (![...this.#running.values()].includes(thread)) this.#becomesReady(thread);
  }

  #becomesReady(thread: number): void {
    if (this.#looksAt.has(thread)) this.#ready.add(thread);
  }
}

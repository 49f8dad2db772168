import type { AskedItem, CallerRecord } from "@quorumguard/audit";
import { Algorithm, algorithmNames, Verb } from "@quorumguard/limiter";
import { createGuardCore, type Guard, GuardError, type Hold, type Runtime } from "@quorumguard/sdk-core";
import type { ClientNetwork } from "../network/client-network.ts";
import { createMachineClock, createProcessClock } from "../world/machine-clock.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import { type CallEnd, refusalErrors, type VerbCallersParts } from "./verb-callers.ts";
import type { Workload } from "./workload.ts";

/** A machine with one client process on it. */
export interface ClientMachine {
  readonly name: string;
  process: Process;
  guard: Guard;
  /** The addresses that it was started with. */
  endpoints: readonly string[];
  /** Counts the processes that ran here; each has a name of its own in the records. */
  boot: number;
}

/** All client machines, their callers, and what the callers saw. */
export interface ClientHost {
  readonly machines: readonly ClientMachine[];
  readonly records: readonly CallerRecord[];
  /** Callers of all clients begin. */
  start(): void;
  /** Callers begin no more calls. */
  stop(): void;
  /** Calls that have no end yet, of processes that live. */
  readonly open: number;
  /** A client process dies, and another takes its place. */
  restart(machine: ClientMachine): void;
  /** One call, recorded. */
  call(
    machine: ClientMachine,
    items: readonly AskedItem[],
    timeoutMs: number,
    requestId?: string | null,
  ): Promise<CallerRecord>;
  /** The same as records: nobody has learnt what they came to. */
  readonly unfinished: readonly CallerRecord[];
  /** Holds that the SDK opened for its callers. */
  readonly heldBySdk: number;
  /** How often guards stopped asking a cluster that did not decide, and how often one of them sent all calls again. */
  readonly breakers: { readonly opened: number; readonly closed: number };
  /** What must never happen to a caller. */
  readonly violations: readonly string[];
}

/** Begins more callers in a client process, which tell what they ask by the host's own means. */
export type MoreCallers = (
  machine: ClientMachine,
  host: Pick<VerbCallersParts, "going" | "record" | "reset" | "reserve"> &
    Pick<ClientHost, "call"> & { readonly endpoints: readonly string[] },
) => void;

/**
 * Makes the clients of a workload; their callers begin with `start`.
 *
 * @param endpoints The addresses that whoever starts a client gives it.
 */
export function createClientHost(
  world: World,
  random: Random,
  workload: Workload,
  endpoints: () => readonly string[],
  network: ClientNetwork,
  more: MoreCallers = () => {},
): ClientHost {
  const records: CallerRecord[] = [];
  const violations: string[] = [];
  const open = new Map<Process, Set<OpenCall>>();
  let going = false;
  let heldBySdk = 0;
  const breakers = { opened: 0, closed: 0 };
  const observer = {
    breakerChanged(state: "closed" | "open" | "ramping") {
      if (state === "open") breakers.opened++;
      if (state === "closed") breakers.closed++;
    },
  };
  const machines = Array.from({ length: workload.clients }, (_, at) => boot(`client-${at + 1}`, 1));

  function boot(name: string, number: number): ClientMachine {
    const process = world.spawn(name);
    const life = random.fork(`${name}/${number}`);
    const given = endpoints();
    const clock = createProcessClock(world, process, createMachineClock(world, life, 10_000), life.fork("clock"), 50);
    const runtime: Runtime = {
      monotonicMs: clock.monotonicMs,
      wallMs: clock.wallMs,
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
      endOfTurn: clock.endOfTurn,
      random: () => life.float(),
      randomBytes: (length) => life.bytes(length),
    };
    const guard = createGuardCore(
      { endpoints: [...given], onUnavailable: "throw", timeoutMs: workload.timeoutMs, lease: workload.leases },
      network.transport(name, process),
      runtime,
      { defaultEndpoints: given, client: name, endpointOf: (member) => member.grpcEndpoint, observer },
    );
    return { name, process, guard, endpoints: given, boot: number };
  }

  function openCalls(process: Process): Set<OpenCall> {
    const known = open.get(process) ?? new Set();
    open.set(process, known);
    return known;
  }

  async function call(
    machine: ClientMachine,
    items: readonly AskedItem[],
    timeoutMs: number,
    requestId: string | null = null,
  ): Promise<CallerRecord> {
    const told = (message: string) => world.trace.event(world.nowUs, `${machine.name} throws ${message}`);
    const chosen = { timeoutMs, ...(requestId === null ? {} : { requestId }) };
    const { record } = await recorded(machine, items, requestId, () => ask(machine.guard, items, chosen, told));
    return record;
  }

  async function recorded<End extends CallEnd>(
    machine: ClientMachine,
    items: readonly AskedItem[],
    requestId: string | null,
    ask: () => Promise<End>,
  ): Promise<{ readonly record: CallerRecord; readonly end: End }> {
    const { process, name } = machine;
    const asked: OpenCall = { client: name, startUs: world.nowUs, items, requestId };
    openCalls(process).add(asked);
    const end = await ask();
    openCalls(process).delete(asked);
    const { allowed, source, degraded, error, applied } = end;
    const record: CallerRecord = { ...asked, endUs: world.nowUs, allowed, source, degraded, error, applied };
    records.push(record);
    const text = items.map(({ key, cost, verb = 0 }) => `${verb === 0 ? "" : `verb ${verb} `}${key}x${cost}`).join("+");
    world.trace.event(world.nowUs, `${name} ${text} -> ${record.allowed ?? record.error} (${record.source})`);
    if (record.degraded) violations.push(`${name} got a degraded decision although it asked to throw`);
    if (record.error !== null && !bearable.has(record.error))
      violations.push(`${name} got error ${record.error}, which no fault of the simulation explains`);
    return { record, end };
  }

  /** One call under a request id, asked again whatever became of the first time: together they charge once. */
  async function askTwice(machine: ClientMachine, draw: Random): Promise<void> {
    const requestId = `${machine.name}/${draw.uint32()}`;
    const items = workload.next(draw);
    const first = call(machine, items, workload.timeoutMs, requestId);
    if (draw.chance(0.5)) await first;
    await Promise.all([first, call(machine, items, workload.timeoutMs, requestId)]);
  }

  async function caller(machine: ClientMachine, draw: Random): Promise<void> {
    const { process } = machine;
    while (going && process.alive) {
      await world.sleep(draw.exponential(workload.thinkUs), process, "think");
      if (!going) return;
      if (draw.chance(workload.requestChance)) {
        await askTwice(machine, draw);
        continue;
      }
      const count = draw.chance(workload.burstChance) ? draw.between(5, 20) : 1;
      await Promise.all(Array.from({ length: count }, () => call(machine, workload.next(draw), workload.timeoutMs)));
    }
  }

  function begin(machine: ClientMachine): void {
    for (let at = 0; at < workload.callersPerClient; at++) {
      const draw = random.fork(`${machine.name}/${machine.boot}/caller-${at}`);
      world.schedule(0, machine.process, "caller", () => {
        void caller(machine, draw);
      });
    }
    more(machine, {
      endpoints: machine.endpoints,
      going: () => going,
      call,
      async record(_, items, ask) {
        const { record, end } = await recorded(machine, items, null, ask);
        return { record, handle: end.handle };
      },
      async reset(_, item) {
        await recorded(machine, [item], null, () => endOf(machine.guard.reset(checkOf(item))));
      },
      async reserve(_, item, timeoutMs) {
        const { end } = await recorded(machine, [item], null, () => reserveBySdk(machine.guard, item, timeoutMs));
        const { hold } = end;
        if (hold === null) return null;
        heldBySdk++;
        return {
          async settle(settlement, again) {
            const settle = () => (settlement.verb === Verb.commit ? hold.commit(settlement.cost) : hold.cancel());
            const first = recorded(machine, [settlement], null, () => endOf(settle()));
            if (again) await settle().catch(() => {});
            await first;
          },
        };
      },
    });
  }

  return {
    machines,
    records,
    violations,
    breakers,
    get open() {
      let sum = 0;
      for (const [process, calls] of open) if (process.alive) sum += calls.size;
      return sum;
    },
    get unfinished() {
      const calls = [...open].flatMap(([process, own]) => (process.alive ? [...own] : []));
      return calls.map((asked) => ({ ...asked, endUs: world.nowUs, ...unlearned }));
    },
    get heldBySdk() {
      return heldBySdk;
    },
    start() {
      going = true;
      for (const machine of machines) begin(machine);
    },
    stop() {
      going = false;
    },
    restart(machine) {
      world.trace.note(world.nowUs, `${machine.name} dies and starts again`);
      world.kill(machine.process);
      // What it asked may still come about, and nobody will ever learn of it.
      for (const asked of openCalls(machine.process)) records.push({ ...asked, endUs: world.nowUs, ...unlearned });
      Object.assign(machine, boot(machine.name, machine.boot + 1));
      if (going) begin(machine);
    },
    call,
  };
}

/** Errors that faults of the network and the cluster explain; anything else is a bug of the SDK or of the simulation. */
const bearable: ReadonlySet<string> = new Set([
  ...["unavailable", "overloaded", "timed_out", "session_expired", "closed"],
  ...refusalErrors,
]);

/** The deadline of a call that says nothing. */
const DEFAULT_TIMEOUT_MS = 1_000;

type OpenCall = Omit<CallerRecord, "endUs" | keyof CallEnd>;

/** Of a call whose process died first. */
const unlearned: CallEnd = { allowed: null, source: "none", degraded: false, error: "died", applied: "unknown" };

async function ask(
  guard: Guard,
  items: readonly AskedItem[],
  chosen: { readonly timeoutMs: number; readonly requestId?: string },
  told: (message: string) => void,
): Promise<CallEnd> {
  const rules = items.map(checkOf);
  try {
    const none = { error: null, applied: null };
    if (rules.length === 1) {
      const { key, limit, window, ...options } = rules[0]!;
      const { cost, rule } = items[0]!;
      // Without options, as most callers ask, a guard may answer by itself before it makes a call of it.
      const isDefault = chosen.timeoutMs === DEFAULT_TIMEOUT_MS && chosen.requestId === undefined;
      const isPlain = isDefault && cost === 1 && rule.algorithm === Algorithm.slidingWindowLog;
      const asked = isPlain
        ? guard.allow(key, limit, window)
        : guard.allow(key, limit, window, { ...options, ...chosen });
      const { allowed, source, degraded } = await asked;
      return { allowed, source, degraded, ...none };
    }
    const { allowed, decisions } = await guard.allowAll(rules, chosen);
    const first = decisions[0]!;
    return { allowed, source: first.source, degraded: decisions.some((one) => one.degraded), ...none };
  } catch (error) {
    if (error instanceof GuardError) told(`${error.code}, applied ${error.applied}: ${error.message}`);
    return failed(error);
  }
}

function checkOf({ key, cost, rule }: AskedItem) {
  return {
    key,
    cost,
    limit: rule.limit,
    window: `${rule.windowUs / 1000}ms` as const,
    algorithm: algorithmNames[rule.algorithm - 1]!,
    ...(rule.algorithm === Algorithm.tokenBucket ? { burst: rule.burst } : {}),
  };
}

function failed(error: unknown): CallEnd {
  const known = error instanceof GuardError;
  return {
    allowed: null,
    source: "none",
    degraded: false,
    error: known ? error.code : String(error instanceof Error ? error.stack : error),
    applied: known ? error.applied : "unknown",
  };
}

/** Of a call of which the SDK tells no more than that it is done. */
async function endOf(done: Promise<void>): Promise<CallEnd> {
  try {
    await done;
    return { allowed: true, source: "quorum", degraded: false, error: null, applied: null };
  } catch (error) {
    return failed(error);
  }
}

async function reserveBySdk(
  guard: Guard,
  item: AskedItem,
  timeoutMs: number,
): Promise<CallEnd & { readonly hold: Hold | null }> {
  const { key, cost, rule, ttlMs = 0 } = item;
  // Numbers of zero: a name alone.
  const check = rule.windowUs === 0 ? { key, cost, policy: rule.policy } : checkOf(item);
  try {
    const held = await guard.reserve(check, { timeoutMs, ...(ttlMs > 0 ? { ttl: `${ttlMs}ms` as const } : {}) });
    const { allowed, source, degraded } = held;
    return { allowed, source, degraded, error: null, applied: null, hold: held.allowed ? held : null };
  } catch (error) {
    return { ...failed(error), hold: null };
  }
}

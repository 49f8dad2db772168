import type { AskedItem, CallerRecord, ReportsTold } from "@quorumguard/audit";
import { Verb } from "@quorumguard/limiter";
import { createGuardCore, type Guard, type Runtime } from "@quorumguard/sdk-core";
import type { ClientNetwork } from "../network/client-network.ts";
import { createMachineClock, createProcessClock } from "../world/machine-clock.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import { createCallRecords } from "./call-records.ts";
import { askGuard, checkOf, endOf, reserveBySdk, type WaitTerms, waitForTurn } from "./guard-calls.ts";
import type { VerbCallersParts } from "./verb-callers.ts";
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
  /** Of this process: calls that it may decide by itself, and what its guard told of reports on those that it did. */
  alone: CallerRecord[];
  told: ReportsTold;
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
  /** One call that the process may decide by itself while the cluster does not, and that it then reports. */
  callAlone(machine: ClientMachine, items: readonly AskedItem[], timeoutMs: number): Promise<CallerRecord>;
  /** One caller who waits for its turn, recorded with its place in the line. */
  wait(machine: ClientMachine, item: AskedItem, terms: WaitTerms): Promise<CallerRecord>;
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
    Pick<ClientHost, "call" | "callAlone" | "wait"> & { readonly endpoints: readonly string[] },
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
  const book = createCallRecords(world);
  const { recorded, records, violations } = book;
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
      {
        ...{ endpoints: [...given], onUnavailable: "throw", timeoutMs: workload.timeoutMs },
        ...{ lease: workload.leases, reconcile: true },
      },
      network.transport(name, process),
      runtime,
      { defaultEndpoints: given, client: name, endpointOf: (member) => member.grpcEndpoint, observer },
    );
    const told = { charged: 0, refused: 0, unreported: 0 };
    guard.on("reconciled", ({ charged, refused, unreported }) => {
      told.charged += charged;
      told.refused += refused;
      told.unreported += unreported;
    });
    return { name, process, guard, endpoints: given, boot: number, alone: [], told };
  }

  async function call(
    machine: ClientMachine,
    items: readonly AskedItem[],
    timeoutMs: number,
    requestId: string | null = null,
  ): Promise<CallerRecord> {
    const told = (message: string) => world.trace.event(world.nowUs, `${machine.name} throws ${message}`);
    const chosen = { timeoutMs, ...(requestId === null ? {} : { requestId }) };
    const { record } = await recorded(machine, items, requestId, () => askGuard(machine.guard, items, chosen, told));
    return record;
  }

  async function callAlone(
    machine: ClientMachine,
    items: readonly AskedItem[],
    timeoutMs: number,
  ): Promise<CallerRecord> {
    const { alone } = machine;
    const ask = () => askGuard(machine.guard, items, { timeoutMs, onUnavailable: "local" }, () => {});
    const { record } = await recorded(machine, items, null, ask, "alone");
    alone.push(record);
    return record;
  }

  async function wait(machine: ClientMachine, item: AskedItem, terms: WaitTerms): Promise<CallerRecord> {
    const { record } = await recorded(machine, [item], null, () => waitForTurn(machine.guard, item, terms), "waits");
    if (record.error === "aborted" && terms.signal?.aborted !== true)
      violations.push(`${machine.name} was told that it had given up its turn, and had not`);
    return record;
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
      callAlone,
      wait,
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
      return book.open;
    },
    get unfinished() {
      return book.unfinished;
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
      book.died(machine.process);
      Object.assign(machine, boot(machine.name, machine.boot + 1));
      if (going) begin(machine);
    },
    call,
    callAlone,
    wait,
  };
}

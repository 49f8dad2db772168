import type { AskedItem, CallerRecord } from "@quorumguard/audit";
import { Algorithm, Outcome, Verb } from "@quorumguard/limiter";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { ClientMachine } from "./client-host.ts";
import { nameAlone, type VerbWorkload } from "./verb-workload.ts";
import { createWireClient, type WireAnswer } from "./wire-client.ts";

/** What one process's callers need to know and to tell. */
export interface VerbCallersParts {
  readonly world: World;
  readonly random: Random;
  readonly workload: VerbWorkload;
  readonly machine: ClientMachine;
  readonly transport: Parameters<typeof createWireClient>[0]["transport"];
  readonly endpoints: readonly string[];
  readonly sessionTtlMs: number;
  readonly going: () => boolean;
  /** One call, from its beginning to its end, in the records of all callers. */
  readonly record: (
    machine: ClientMachine,
    items: readonly AskedItem[],
    ask: () => Promise<CallEnd & { readonly handle: number }>,
  ) => Promise<{ readonly record: CallerRecord; readonly handle: number }>;
  /** Empties a counter through the SDK. */
  readonly reset: (machine: ClientMachine, item: AskedItem) => Promise<void>;
  /** Reserves through the SDK; null: it opened nothing. */
  readonly reserve: (machine: ClientMachine, item: AskedItem, timeoutMs: number) => Promise<SdkHold | null>;
}

/** What a reserve of the SDK opened. */
export interface SdkHold {
  /** Commits or cancels by way of the handle; said again, it is the same settlement and no other call. */
  settle(item: AskedItem, again: boolean): Promise<void>;
}

/** How a call ended, as callers are told. */
export type CallEnd = Pick<CallerRecord, "allowed" | "source" | "degraded" | "error" | "applied">;

/** Outcomes that are no decision, and that the state of the cluster explains. */
const refusals: Readonly<Record<number, string>> = {
  [Outcome.keysFull]: "keys_full",
  [Outcome.namespaceFull]: "namespace_full",
  [Outcome.unknownPolicy]: "unknown_policy",
  [Outcome.notHeld]: "not_held",
  [Outcome.holdsFull]: "holds_full",
  [Outcome.needsReservation]: "needs_reservation",
};
/** Errors of calls that say so. */
export const refusalErrors: readonly string[] = Object.values(refusals);

function endOf({ outcomes, source, error, applied, handle }: WireAnswer): CallEnd & { readonly handle: number } {
  const unanswered = { allowed: null, source: "none", degraded: false, handle: 0 };
  if (outcomes === null) return { ...unanswered, error, applied };
  const refused = outcomes.find((outcome) => outcome >= Outcome.keysFull);
  if (refused !== undefined)
    return { ...unanswered, error: refusals[refused] ?? `outcome ${refused}`, applied: "unknown" };
  const allowed = outcomes.every((outcome) => outcome === Outcome.allowed);
  return { allowed, source, degraded: false, error: null, applied: null, handle };
}

/** Begins the callers of one process; they end with it, or when no more calls are to begin. */
export function startVerbCallers(parts: VerbCallersParts): void {
  const { world, random, workload, machine, going } = parts;
  const { process, name } = machine;
  const client = createWireClient({ ...parts, name, process, random: random.fork("wire") });
  const call = (items: readonly AskedItem[]) =>
    parts.record(machine, items, async () => endOf(await client.ask(items, workload.timeoutMs)));

  /** Opens a hold, and settles it in one of the ways in which work ends, or not at all. */
  async function hold(draw: Random, verb: typeof Verb.reserve | typeof Verb.grant): Promise<void> {
    const place = workload.place(draw);
    const cost = draw.chance(0.6) ? 1 : draw.between(1, 4);
    const isSlot = place.rule.algorithm === Algorithm.concurrency;
    const ttlMs = draw.pick(isSlot ? [0, 600, 2_500, 8_000] : [0, 30, 150, 600, 2_500]);
    const { handle } = await call([{ ...place, cost, verb, ttlMs }]);
    // Who leaves with a slot in hand frees it by that.
    if (isSlot && draw.chance(0.25)) client.leave();
    if (handle === 0 || draw.chance(0.2)) return;
    await world.sleep(draw.exponential(80_000), process, "work");
    const settle: AskedItem = settling(draw, verb, place, cost, handle);
    const first = call([settle]);
    // Whoever is not sure that it was heard says it again.
    if (draw.chance(0.15)) await Promise.all([first, call([settle])]);
    await first;
  }

  /** The same through the SDK, which keeps the handle to itself. */
  async function holdBySdk(draw: Random): Promise<void> {
    const { key, rule } = workload.place(draw);
    // What the guard's options do not define travels by its name alone.
    const place = { key, rule: rule.policy === "" ? rule : nameAlone(rule.policy) };
    const cost = draw.chance(0.6) ? 1 : draw.between(1, 4);
    const ttlMs = draw.pick([0, 150, 600, 2_500]);
    const hold = await parts.reserve(machine, { ...place, cost, verb: Verb.reserve, ttlMs }, workload.timeoutMs);
    if (hold === null || draw.chance(0.2)) return;
    await world.sleep(draw.exponential(80_000), process, "work");
    const settle = settling(draw, Verb.reserve, place, cost, 0);
    await hold.settle(settle.verb === Verb.cancel ? { ...settle, cost } : settle, draw.chance(0.15));
  }

  async function step(draw: Random): Promise<void> {
    const kind = draw.float();
    if (kind < 0.15) await holdBySdk(draw);
    else if (kind < 0.4) await hold(draw, Verb.reserve);
    else if (kind < 0.5) await hold(draw, Verb.grant);
    else if (kind < 0.58) await reset(draw);
    else if (kind < 0.6) client.leave();
    else await take(draw);
  }

  async function reset(draw: Random): Promise<void> {
    const item: AskedItem = { ...workload.place(draw), cost: 1, verb: Verb.reset };
    const isNameAlone = item.rule.windowUs === 0;
    if (draw.chance(0.4) && item.rule.policy === "" && !isNameAlone) await parts.reset(machine, item);
    else await call([item]);
  }

  async function take(draw: Random): Promise<void> {
    const size = draw.chance(0.1) ? draw.between(2, 3) : 1;
    const items = Array.from({ length: size }, () => ({
      ...workload.place(draw),
      cost: draw.chance(0.8) ? 1 : draw.between(1, 3),
    }));
    await call(items);
  }

  async function caller(draw: Random): Promise<void> {
    while (going() && process.alive) {
      await world.sleep(draw.exponential(workload.thinkUs), process, "think");
      if (going()) await step(draw);
    }
  }

  for (let at = 0; at < workload.callersPerClient; at++) {
    const draw = random.fork(`caller-${at}`);
    world.schedule(0, process, "verb caller", () => {
      void caller(draw);
    });
  }
}

/** Work comes to less than was reserved, to as much, to more, or to nothing. */
function settling(
  draw: Random,
  verb: typeof Verb.reserve | typeof Verb.grant,
  place: Pick<AskedItem, "key" | "rule">,
  cost: number,
  handle: number,
): AskedItem {
  if (verb === Verb.grant) return { ...place, verb: Verb.giveBack, cost: draw.between(1, cost), handle };
  const way = draw.float();
  if (way < 0.3) return { ...place, verb: Verb.cancel, cost: 1, handle };
  const isSlot = place.rule.algorithm === Algorithm.concurrency;
  const actual = isSlot || way < 0.6 ? cost : way < 0.8 ? draw.between(1, cost) : cost + draw.between(1, 2);
  return { ...place, verb: Verb.commit, cost: actual, handle };
}

import { join } from "node:path";
import type { Random } from "../random.ts";
import type { ClientPlan, GuardPlan } from "./client-plan.ts";

/** What all clients of a run have in common. */
export interface ClientsOfRun {
  /** Where their histories go. */
  readonly folder: string;
  readonly endpoints: readonly string[];
  readonly seed: number;
  /** On the host's monotonic clock. */
  readonly startUs: number;
}

/**
 * Four clients, each with patience and a way of its own: about 700 calls a second in all. And two whose guards lease what they are
 * asked for often, and are attacked: most of their calls, about as many, are answered in the process.
 */
export function planNemesisClients(run: ClientsOfRun, random: Random): readonly ClientPlan[] {
  const crowds = [1, 2, 3, 4].map((at) => {
    const thinkMs = random.between(90, 160);
    const timeoutMs = random.pick([400, 1_000, 2_500]);
    const routing = random.chance(0.8) ? "direct" : "forward";
    return planCrowd(run, `client-${at}`, thinkMs, { onUnavailable: "throw", timeoutMs, routing });
  });
  const leasing = [5, 6].map((at) => ({
    ...planOf(run, `client-${at}`, { onUnavailable: "throw", timeoutMs: random.pick([400, 1_000]), lease: true }),
    ...{ leasedCallers: 3, attackers: 1, thinkMs: 50 },
  }));
  return [...crowds, ...leasing];
}

/** Callers that share keys which are asked for more than they allow, and some that have a key to themselves. */
export function planCrowd(run: ClientsOfRun, name: string, thinkMs: number, guard: GuardPlan): ClientPlan {
  return { ...planOf(run, name, guard), sharedCallers: 18, ledgerCallers: 4, thinkMs };
}

/** One caller that asks on a schedule, and nobody else beside it. */
export function planSteadyClient(run: ClientsOfRun, name: string, intervalMs: number, guard: GuardPlan): ClientPlan {
  return { ...planOf(run, name, guard), steadyIntervalMs: intervalMs };
}

function planOf({ folder, ...run }: ClientsOfRun, name: string, guard: GuardPlan): ClientPlan {
  return {
    ...{ name, ...run, guard },
    ...{ sharedCallers: 0, ledgerCallers: 0, leasedCallers: 0, attackers: 0, thinkMs: 0, steadyIntervalMs: null },
    callsFile: join(folder, `${name}.calls.ndjson`),
    sessionsFile: join(folder, `${name}.sessions.ndjson`),
  };
}

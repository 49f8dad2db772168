import { setTimeout as pause } from "node:timers/promises";
import type { AskedItem } from "@quorumguard/audit";
import { Algorithm } from "@quorumguard/limiter";
import { type Decision, type Guard, GuardError } from "@quorumguard/sdk-node";
import { startSchedule } from "@quorumguard/testbed";
import { hostClockUs } from "../host-clock.ts";
import type { Random } from "../random.ts";
import type { CallNames } from "./call-names.ts";
import type { CallLine } from "./history.ts";
import { ledgerRule, steadyRule, type Workload } from "./workload.ts";

/** What a caller asks through, and where it writes what it saw. */
export interface CallerOptions {
  readonly client: string;
  /** Of its own within the client. */
  readonly name: string;
  readonly guard: Guard;
  readonly workload: Workload;
  readonly random: Random;
  readonly thinkMs: number;
  /** Of the guard: which of its numbers is which call. */
  readonly names: CallNames;
  readonly write: (line: CallLine) => void;
  /** True once no more calls shall be made. */
  readonly stopped: () => boolean;
}

const requestChance = 0.04;
const burstChance = 0.03;

/** Asks for what all ask for, one call after another, now and then many at once, or one twice under its request id. */
export async function runSharedCaller(options: CallerOptions): Promise<void> {
  const { random, thinkMs, stopped, workload } = options;
  let requests = 0;
  await pause(random.around(thinkMs));
  while (!stopped()) {
    const items = workload.next(random, hostClockUs());
    if (random.chance(requestChance)) {
      const requestId = `${options.client}/${options.name}/${requests++}`;
      await Promise.all([ask(options, items, requestId), ask(options, items, requestId)]);
    } else if (random.chance(burstChance)) {
      const many = Array.from({ length: random.between(4, 32) }, () => workload.next(random, hostClockUs()));
      await Promise.all(many.map((each) => ask(options, each, null)));
    } else await ask(options, items, null);
    if (!stopped()) await pause(random.around(thinkMs));
  }
}

/** Has its keys to itself and asks one call after another, so that what is left must be what it was not given. */
export async function runLedgerCaller(options: CallerOptions): Promise<void> {
  const { random, thinkMs, stopped, workload } = options;
  await pause(random.around(thinkMs));
  while (!stopped()) {
    const key = workload.ledgerKey(`${options.client}/${options.name}`, hostClockUs());
    await ask(options, [{ key, rule: ledgerRule, cost: random.between(1, 3) }], null);
    if (!stopped()) await pause(random.around(thinkMs));
  }
}

/** Asks for what is worth leasing, as one does that has much to do: several at once, and as many again, one after the other. */
export async function runLeasedCaller(options: CallerOptions): Promise<void> {
  const { random, thinkMs, stopped, workload } = options;
  await pause(random.around(thinkMs));
  while (!stopped()) {
    const [item, together] = [workload.leased(random, hostClockUs()), random.between(1, 6)];
    await Promise.all(Array.from({ length: together }, () => ask(options, [item], null)));
    for (let left = together; left > 0 && !stopped(); left--) {
      const { allowed } = await ask(options, [item], null);
      if (allowed !== true) break;
    }
    if (!stopped()) await pause(random.around(thinkMs));
  }
}

/** Asks for what is used up, again and again. */
export async function runAttacker(options: CallerOptions): Promise<void> {
  const { random, thinkMs, stopped, workload } = options;
  await pause(random.around(thinkMs));
  while (!stopped()) {
    const item = workload.attacked(hostClockUs());
    for (let left = random.between(1, 10); left > 0; left--) {
      const { allowed } = await ask(options, [item], null);
      if (allowed === null) break;
    }
    if (!stopped()) await pause(random.around(thinkMs));
  }
}

/**
 * Asks for what always has room, one call every so many milliseconds whatever becomes of those before it. The function that
 * it returns makes an end of that, and waits for the calls in flight.
 */
export function startSteadyCaller(options: CallerOptions, intervalMs: number): () => Promise<void> {
  const { workload } = options;
  let turn = 0;
  const call = async () => {
    const key = workload.steadyKey(turn++, hostClockUs());
    await ask(options, [{ key, rule: steadyRule, cost: 1 }], null);
  };
  return startSchedule({ intervalMs, callsAtOnce: 1, call });
}

async function ask(options: CallerOptions, items: readonly AskedItem[], requestId: string | null): Promise<CallLine> {
  const { client, guard, names } = options;
  const startUs = hostClockUs();
  const { call, answer } = names.asking(items, () => decide(guard, items, requestId));
  const outcome = await answer;
  const endUs = hostClockUs();
  const line = { client, callId: call.callId, startUs, endUs, items, requestId, ...outcome };
  options.write(line);
  return line;
}

type Outcome = Omit<CallLine, "client" | "callId" | "startUs" | "endUs" | "items" | "requestId">;

async function decide(guard: Guard, items: readonly AskedItem[], requestId: string | null): Promise<Outcome> {
  const call = requestId === null ? {} : { requestId };
  try {
    const checks = items.map(({ key, rule, cost }) => ({ key, cost, ...ruleOf(rule) }));
    if (checks.length > 1) {
      const { allowed, decisions } = await guard.allowAll(checks, call);
      return { ...facts(decisions[0]!), allowed, remaining: null };
    }
    const { key, limit, window, cost, ...rest } = checks[0]!;
    // Without options, as most callers ask, a guard may answer by itself before it makes a call of it.
    const isPlain = cost === 1 && requestId === null && Object.keys(rest).length === 0;
    const decision = await (isPlain
      ? guard.allow(key, limit, window)
      : guard.allow(key, limit, window, { cost, ...rest, ...call }));
    return { ...facts(decision), allowed: decision.allowed, remaining: decision.allowed ? decision.remaining : null };
  } catch (error) {
    const known = error instanceof GuardError ? error : null;
    return {
      allowed: null,
      source: "",
      degraded: false,
      error: known?.code ?? String(error),
      applied: known?.applied ?? "unknown",
      remaining: null,
    };
  }
}

function facts({ source, degraded }: Decision): Pick<Outcome, "source" | "degraded" | "error" | "applied"> {
  return { source, degraded, error: null, applied: null };
}

function ruleOf({ algorithm, limit, windowUs, burst }: AskedItem["rule"]) {
  const window = `${windowUs / 1_000}ms` as const;
  if (algorithm === Algorithm.tokenBucket) return { limit, window, algorithm: "token-bucket", burst } as const;
  return { limit, window } as const;
}

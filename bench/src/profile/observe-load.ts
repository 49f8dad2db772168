import { openClientProcesses } from "../decisions/client-processes.ts";
import type { LoopReport } from "../decisions/closed-loop.ts";
import type { Contender } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { warmUpInFlight } from "../decisions/until-steady.ts";
import { profileClockUs } from "./self-times.ts";

/** How long. */
export interface ProfileTimes {
  readonly warmUpMs: number;
  readonly sampleMs: number;
}

/** What is looked at while servers are under a load. */
export interface Observer<State> {
  /** Of who leads: the same for as long as nobody else does. */
  reign(): Promise<string | number>;
  /** Before the load, and after it. */
  read(): Promise<State>;
}

/** One stretch of load, by the profiler's clock. */
export interface Observed<State> {
  readonly before: State;
  readonly after: State;
  readonly report: LoopReport;
  readonly decisions: number;
  readonly fromUs: number;
  readonly toUs: number;
}

/**
 * Puts a point's load on servers that run, by one client process, once both are warm.
 *
 * @param observe Is told the client's process, once all are warm.
 * @throws {Error} if the leader changed meanwhile, or calls failed.
 */
export async function observeLoad<State>(
  point: Point,
  contender: Contender,
  endpoints: readonly string[],
  { warmUpMs, sampleMs }: ProfileTimes,
  observe: (clientPid: number) => Promise<Observer<State>>,
): Promise<Observed<State>> {
  const clients = await openClientProcesses(1, { client: contender.client, place: { endpoints, rule: point.rule } });
  try {
    const load = { inFlight: point.inFlight, keys: point.keys, seed: 1 };
    const warm = { inFlight: Math.max(warmUpInFlight, point.inFlight), durationMs: warmUpMs, sample: "warm" };
    await clients.run({ ...load, ...warm }, async () => {});
    const observer = await observe(clients.pids[0]!);
    const reign = await observer.reign();
    let before: State | undefined;
    let fromUs = 0;
    const [report] = await clients.run({ ...load, durationMs: sampleMs, sample: "observed" }, async () => {
      before = await observer.read();
      fromUs = profileClockUs();
    });
    const toUs = profileClockUs();
    const after = await observer.read();
    const who = `${point.name}, ${contender.name}`;
    if ((await observer.reign()) !== reign) throw new Error(`${who}: the leader changed meanwhile; run it again`);
    const { outcomes, firstFailure } = report!;
    if (outcomes.failed + outcomes.degraded > 0)
      throw new Error(`${who}: calls failed, the first with ${firstFailure}`);
    const decisions = (outcomes.allowed + outcomes.denied) * clients.decisionsPerCall;
    return { before: before!, after, report: report!, decisions, fromUs, toUs };
  } finally {
    await clients.stop();
  }
}

import { markdownTable } from "../markdown-table.ts";
import { quantile } from "../quantile.ts";

/** How long something took that was done again and again. */
export interface Spread {
  readonly p50Ms: number;
  readonly meanMs: number;
}

/** Where a call waits that is the only one. */
export interface Waits {
  /** As large is the frame of its entry in a log, and so are bare messages and writes. */
  readonly frameBytes: number;
  /** By the client. */
  readonly call: Spread;
  /** As nodes tell it, from asking to hearing of it. */
  readonly flushMeanMs: { readonly leader: number; readonly follower: number };
  readonly bareTrip: Spread;
  readonly bareFlush: Spread;
}

/** From the client to the leader and back, and from the leader to a follower and back. */
const trips = 2;

/** @throws {Error} when there is none. */
export function spreadOf(tookMs: ArrayLike<number>): Spread {
  if (tookMs.length === 0) throw new Error("nothing was measured");
  const sorted = Float64Array.from(tookMs).sort();
  return { p50Ms: quantile(sorted, 0.5), meanMs: sorted.reduce((sum, one) => sum + one, 0) / sorted.length };
}

/** What of a call's mean is neither a follower's flush nor a bare round trip. */
export function restMs({ call, flushMeanMs, bareTrip }: Waits): number {
  return call.meanMs - flushMeanMs.follower - trips * bareTrip.meanMs;
}

const ms = (value: number) => value.toFixed(3);
const spread = ({ p50Ms, meanMs }: Spread) => [meanMs, p50Ms].map(ms);

/** The call, and what of it is known. */
export function waitsTable(waits: Waits): string {
  const { call, flushMeanMs, bareTrip, bareFlush } = waits;
  const bareTrips = { meanMs: trips * bareTrip.meanMs, p50Ms: trips * bareTrip.p50Ms };
  return markdownTable(
    ["Where a lone call waits", "mean, ms", "p50, ms"],
    [
      ["the whole call, by its client", ...spread(call)],
      ["on its way: two bare round trips", ...spread(bareTrips)],
      ["on its way: a flush on a follower", ms(flushMeanMs.follower), "–"],
      ["on its way: the rest", ms(restMs(waits)), "–"],
      ["beside it: the flush on the leader", ms(flushMeanMs.leader), "–"],
      ["for comparison: a bare write and flush", ...spread(bareFlush)],
    ],
  );
}

/** What {@link waitsTable} counts. */
export function waitsNote({ frameBytes }: Waits): string {
  return [
    "Flushes are the nodes' own metric, from asking for one to hearing of it, on three nodes at once.",
    `Bare: ${frameBytes} bytes, as many as the call's entry takes in a log, to another process of Node and back over loopback; and written and made durable by one process, in a file that is as long beforehand. Nothing else runs then.`,
    "The quicker of two followers is waited for, so the rest is rather more than told: what gRPC, frames, checks, the log and the state machine take, and the waking of a thread or a process at each step.",
  ].join(" ");
}

/** A line for people. */
export function waitsLine(waits: Waits): string {
  const { call, flushMeanMs, bareTrip } = waits;
  return `a lone call waits ${ms(call.meanMs)} ms in the mean: a follower's flush ${ms(flushMeanMs.follower)}, two bare round trips ${ms(trips * bareTrip.meanMs)}, the rest ${ms(restMs(waits))}`;
}

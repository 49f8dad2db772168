import type { ClusterNode } from "../node/node.ts";
import { poll } from "./poll.ts";
import type { MovedTime } from "./test-time.ts";

/** The most that a stamp gains of what its clock gains. */
const fastest = 1.01;
/** The least that a step is, in milliseconds, so that the last microsecond is reached. */
const leastMs = 0.001;
const timeoutMs = 30_000;

/**
 * Moves the nodes' clocks until the leader's stamp has gained `ms`, and resolves once whoever it reaches has heard so: who leads next
 * goes on from there (SEMANTICS T2).
 *
 * A stamp follows its leader's monotonic clock at a rate of 0.99 to 1.01, by which it is led to the wall clock (T1). So the wall clocks
 * are moved by `ms`, and the monotonic ones by what makes the stamp gain as much, in steps that the stamp itself measures: a
 * minute is a minute, and nothing is left to be made up for afterwards.
 */
export async function advanceTime(
  time: MovedTime,
  ms: number,
  led: () => Promise<ClusterNode>,
  reachedBy: (leader: ClusterNode) => readonly ClusterNode[],
): Promise<void> {
  const leader = await led();
  const targetUs = leader.stampUs() + Math.ceil(ms * 1_000);
  time.move(0, ms);
  for (let nowUs = leader.stampUs(); nowUs < targetUs; nowUs = leader.stampUs()) {
    time.move(Math.max((targetUs - nowUs) / 1_000 / fastest, leastMs), 0);
  }
  const now = await led();
  await poll(
    () => (reachedBy(now).every((node) => node.stampUs() >= targetUs) ? true : null),
    timeoutMs,
    () => `not every node heard of the new time within ${timeoutMs} ms`,
  );
}

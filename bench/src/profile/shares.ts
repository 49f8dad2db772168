import type { Rooms } from "./rooms.ts";
import { type CpuProfile, selfTimes } from "./self-times.ts";
import type { ThreadTimes } from "./thread-times.ts";

/** When a load ran, by the clock that profiles have, and what it came to. */
export interface Stretch {
  readonly fromUs: number;
  readonly toUs: number;
  readonly decisions: number;
}

/** One process over a stretch of load, or several of a peer. */
export interface ProfiledProcess {
  /** Of its main thread; null: nothing tells it apart. */
  readonly profile: CpuProfile | null;
  readonly times: ThreadTimes;
}

/**
 * Microseconds of processor that one decision took, by whose they are. A profile tells what the main thread was in, also while it waited
 * for a core: so it is the shares that are taken from it, and the time from what the kernel counted.
 */
export function shares(
  { profile, times }: ProfiledProcess,
  rooms: Rooms,
  stretch: Stretch,
): ReadonlyMap<string, number> {
  const main = profile === null ? [] : [...roomsOf(profile, rooms, stretch)];
  const told = main.map(([room, share]) => [room, share * times.mainUs] as const);
  return new Map([...told, ...Object.entries(times.otherUs)].map(([room, us]) => [room, us / stretch.decisions]));
}

/** Shares of the time in which the main thread was not idle. */
function roomsOf(profile: CpuProfile, rooms: Rooms, { fromUs, toUs }: Stretch): ReadonlyMap<string, number> {
  const byRoom = new Map<string, number>();
  for (const [frame, us] of selfTimes(profile, fromUs, toUs)) {
    const room = rooms.of(frame);
    if (room !== "idle") byRoom.set(room, (byRoom.get(room) ?? 0) + us);
  }
  const busyUs = [...byRoom.values()].reduce((sum, us) => sum + us, 0);
  if (busyUs === 0) throw new Error("the profile has no sample of a process that was busy in this stretch");
  return new Map([...byRoom].map(([room, us]) => [room, us / busyUs]));
}

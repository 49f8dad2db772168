import type { Rooms } from "./rooms.ts";
import { type CpuProfile, selfTimes } from "./self-times.ts";
import type { ThreadTimes } from "./thread-times.ts";

/** One process over a stretch of load. */
export interface ProfiledProcess {
  /** Of its main thread. */
  readonly profile: CpuProfile;
  readonly times: ThreadTimes;
}

/**
 * Microseconds of processor that one decision took, by whose they are. A profile tells what the main thread was in, also while it waited
 * for a core: so it is the shares that are taken from it, and the time from what the kernel counted.
 */
export function shares(
  { profile, times }: ProfiledProcess,
  rooms: Rooms,
  stretch: { readonly fromUs: number; readonly toUs: number; readonly decisions: number },
): ReadonlyMap<string, number> {
  const byRoom = new Map<string, number>();
  for (const [frame, us] of selfTimes(profile, stretch.fromUs, stretch.toUs)) {
    const room = rooms.of(frame);
    if (room !== "idle") byRoom.set(room, (byRoom.get(room) ?? 0) + us);
  }
  const busyUs = [...byRoom.values()].reduce((sum, us) => sum + us, 0);
  if (busyUs === 0) throw new Error("the profile has no sample of a process that was busy in this stretch");
  const main = [...byRoom].map(([room, us]) => [room, (us / busyUs) * times.mainUs] as const);
  return new Map([...main, ...Object.entries(times.otherUs)].map(([room, us]) => [room, us / stretch.decisions]));
}

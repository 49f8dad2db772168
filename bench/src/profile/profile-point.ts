import { openClientProcesses } from "../decisions/client-processes.ts";
import type { Contender } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { withProfiles } from "./profiles.ts";
import { profileClockUs } from "./self-times.ts";
import { openServers, profiledProcess, type Watched, type WatchedServers } from "./servers.ts";
import type { ProfiledProcess, Stretch } from "./shares.ts";
import { between, type ThreadTimes } from "./thread-times.ts";

/** What was seen of processes while they were under a load. */
export interface ProfiledLoad extends Stretch {
  readonly seconds: number;
  /** By role, in the order in which they are told. */
  readonly processes: Readonly<Record<string, ProfiledProcess>>;
}

/** How long. */
export interface ProfileTimes {
  readonly warmUpMs: number;
  readonly sampleMs: number;
}

/** The servers of a contender and a client process of its own under the load of a point, V8's profiler on in each that is of Node.js. */
export async function profilePoint(point: Point, contender: Contender, times: ProfileTimes): Promise<ProfiledLoad> {
  const { seen, profileOf } = await withProfiles(async () => {
    const servers = await openServers(contender.system);
    return underLoad(servers, point, contender, times).finally(() => servers.stop());
  });
  const processes = seen.used.map(({ role, profiledPid, times }): readonly [string, ProfiledProcess] => [
    role,
    { times, profile: profiledPid === null ? null : profileOf(profiledPid) },
  ]);
  const { decisions, seconds, fromUs, toUs } = seen;
  return { decisions, seconds, fromUs, toUs, processes: Object.fromEntries(processes) };
}

/** What the processes of a role used. */
interface Used extends Pick<Watched, "role" | "profiledPid"> {
  readonly times: ThreadTimes;
}

/** A stretch of load, and what the processes used meanwhile. */
async function underLoad(
  servers: WatchedServers,
  point: Point,
  contender: Contender,
  { warmUpMs, sampleMs }: ProfileTimes,
): Promise<Omit<ProfiledLoad, "processes"> & { readonly used: readonly Used[] }> {
  const place = { endpoints: await servers.endpoints(), rule: point.rule };
  const clients = await openClientProcesses(1, { client: contender.client, place });
  try {
    const load = { inFlight: point.inFlight, keys: point.keys, seed: 1 };
    const warm = { ...load, inFlight: Math.max(64, point.inFlight), durationMs: warmUpMs, sample: "warm" };
    await clients.run(warm, async () => {});
    const { reign, watched } = await servers.watch();
    const all = [...watched, profiledProcess("client", clients.pids[0]!)];
    const readAll = () => Promise.all(all.map((one) => one.times()));
    let before: readonly ThreadTimes[] = [];
    let fromUs = 0;
    const [report] = await clients.run({ ...load, durationMs: sampleMs, sample: "profiled" }, async () => {
      before = await readAll();
      fromUs = profileClockUs();
    });
    const toUs = profileClockUs();
    const after = await readAll();
    if ((await servers.watch()).reign !== reign)
      throw new Error(`${point.name}, ${contender.name}: the leader changed meanwhile; run it again`);
    const { outcomes, seconds, firstFailure } = report!;
    if (outcomes.failed + outcomes.degraded > 0)
      throw new Error(`${point.name}, ${contender.name}: calls failed, the first with ${firstFailure}`);
    const decisions = (outcomes.allowed + outcomes.denied) * clients.decisionsPerCall;
    const used = all.map(({ role, profiledPid }, at) => ({
      ...{ role, profiledPid, times: between(before[at]!, after[at]!) },
    }));
    return { decisions, seconds, fromUs, toUs, used };
  } finally {
    await clients.stop();
  }
}

import type { Contender } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { observeLoad, type ProfileTimes } from "./observe-load.ts";
import { withProfiles } from "./profiles.ts";
import { openServers, profiledProcess, type Watched, type WatchedServers } from "./servers.ts";
import type { ProfiledProcess, Stretch } from "./shares.ts";
import { between, type ThreadTimes } from "./thread-times.ts";

/** What was seen of processes while they were under a load. */
export interface ProfiledLoad extends Stretch {
  readonly seconds: number;
  /** By role, in the order in which they are told. */
  readonly processes: Readonly<Record<string, ProfiledProcess>>;
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
  times: ProfileTimes,
): Promise<Omit<ProfiledLoad, "processes"> & { readonly used: readonly Used[] }> {
  let all: readonly Watched[] = [];
  const seen = await observeLoad(point, contender, await servers.endpoints(), times, async (clientPid) => {
    all = [...(await servers.watch()).watched, profiledProcess("client", clientPid)];
    return {
      reign: async () => (await servers.watch()).reign,
      read: () => Promise.all(all.map((one) => one.times())),
    };
  });
  const { before, after, report, decisions, fromUs, toUs } = seen;
  const used = all.map(({ role, profiledPid }, at) => ({
    ...{ role, profiledPid, times: between(before[at]!, after[at]!) },
  }));
  return { decisions, seconds: report.seconds, fromUs, toUs, used };
}

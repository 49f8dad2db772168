import { standaloneSvg } from "@quorumguard/pictures";
import {
  allRedis,
  type Contender,
  etcdPuts,
  quorumGuard,
  quorumGuardNoDenialCache,
  quorumGuardOfCluster,
  quorumGuardUnary,
  redisNone,
} from "../decisions/contenders.ts";
import type { MachineTask } from "../profile/machine-messages.ts";
import { measureWaits } from "../profile/measure-waits.ts";
import type { ProfileTimes } from "../profile/observe-load.ts";
import { headingOf, type PointShares, roleTitle, shortUs, totalOf } from "../profile/point-shares.ts";
import { profileMachine } from "../profile/profile-machine.ts";
import { type ProfiledLoad, profilePoint } from "../profile/profile-point.ts";
import { limiterOwners, Rooms } from "../profile/rooms.ts";
import { shares } from "../profile/shares.ts";
import { sharesPlot } from "../profile/shares-plot.ts";
import { sharesTable } from "../profile/shares-table.ts";
import { type Waits, waitsLine, waitsNote, waitsTable } from "../profile/waits.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { AbsentSystem } from "../system.ts";
import { pointOf } from "./decisions.ts";

const redisAlways = allRedis.find(({ system }) => system === "redis-always")!;

/** The points of which a ratio is promised, who is promised, and whom it is promised of where a look at both tells why. */
const profiled: readonly (readonly [plan: string, point: string, contender: Contender])[] = [
  ["unique-keys", "256 in flight", quorumGuard],
  ["unique-keys", "256 in flight", redisNone],
  ["unique-keys", "256 in flight", redisAlways],
  ["unique-keys", "1,024 in flight", quorumGuard],
  ["unique-keys", "1,024 in flight", redisNone],
  ["etcd", "256 in flight", etcdPuts],
  ["denied", "90 % denied", quorumGuardNoDenialCache],
  ["denied", "90 % denied", quorumGuardOfCluster],
  ["denied", "90 % denied", redisNone],
  ["unary", "64 in flight", quorumGuardUnary],
  ["unary", "64 in flight", etcdPuts],
  ["lone-call", "1 in flight", quorumGuard],
  ["lone-call", "1 in flight", etcdPuts],
];

/** The state machine alone, by algorithm. */
const machines: Readonly<Record<string, MachineTask["algorithm"]>> = {
  "token-bucket": "tokenBucket",
  "sliding-window-log": "slidingWindowLog",
  "sliding-window-counter": "slidingWindowCounter",
  "fixed-window": "fixedWindow",
  concurrency: "concurrency",
};

/** A peer that could not be started here. */
export interface AbsentPoint {
  readonly point: string;
  readonly contender: string;
  readonly reason: string;
}

/** Processes under V8's profiler at the points of other scenarios: what a decision's processor time is spent on. */
export async function whereTimeGoes({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const points: PointShares[] = [];
  const absent: AbsentPoint[] = [];
  const tell = (told: PointShares) => {
    points.push(told);
    say(`  ${lineOf(told)}; ${told.decisionsPerSecond.toLocaleString("en")}/s`);
  };
  const rooms = new Rooms();
  for (const [scenario, name, contender] of profiled) {
    const point = pointOf(scenario, name);
    const place = { scenario, point: name, contender: contender.name };
    try {
      tell(sharesOf(place, await profilePoint(point, contender, timesOf(contender, quick)), rooms));
    } catch (error) {
      if (!(error instanceof AbsentSystem)) throw error;
      absent.push({ point: `${name} of ${scenario}`, contender: contender.name, reason: error.message });
      say(`  absent: ${contender.name}: ${error.message}`);
    }
  }
  const waits = await measureWaits(pointOf("lone-call", "1 in flight"), timesOf(quorumGuard, quick));
  say(`  ${waitsLine(waits)}`);
  const machineRooms = new Rooms(limiterOwners);
  for (const [name, algorithm] of Object.entries(machines)) {
    const place = { scenario: "machine-alone", point: name, contender: "the limiter of one node" };
    const load = await profileMachine({ algorithm, keys: quick ? 100_000 : 1_000_000 });
    tell(sharesOf(place, load, machineRooms));
  }
  return summarize(points, waits, absent);
}

/** A peer's servers have nothing that is compiled while they run; our nodes do. */
function timesOf({ system }: Contender, quick: boolean): ProfileTimes {
  if (quick) return { warmUpMs: 1_000, sampleMs: 2_000 };
  return system === "quorumguard" ? { warmUpMs: 12_000, sampleMs: 10_000 } : { warmUpMs: 4_000, sampleMs: 6_000 };
}

function sharesOf(
  place: Pick<PointShares, "scenario" | "point" | "contender">,
  load: ProfiledLoad,
  rooms: Rooms,
): PointShares {
  const us = Object.entries(load.processes).map(([role, process]) => {
    const parts = [...shares(process, rooms, load)].toSorted((one, other) => other[1] - one[1]);
    return [role, Object.fromEntries(parts)] as const;
  });
  return {
    ...place,
    decisionsPerSecond: Math.round(load.decisions / load.seconds),
    us: Object.fromEntries(us),
  };
}

function lineOf(one: PointShares): string {
  const told = Object.entries(one.us).map(([role, parts]) => `${roleTitle(role)} ${shortUs(totalOf(parts))} µs`);
  return `${headingOf(one)}: ${told.join(", ")}`;
}

/** A line, a table for each point and one of a lone call, and the picture of all. */
export function summarize(
  points: readonly PointShares[],
  waits: Waits,
  absent: readonly AbsentPoint[],
): ScenarioResult {
  const tables = points.map((one) => `### ${headingOf(one)}\n\n${sharesTable(one)}`);
  return {
    line: [...points.map(lineOf), waitsLine(waits)].join("\n  "),
    summary: { points, waits, absent },
    details: {},
    table: [...tables, "### Where a lone call waits", waitsTable(waits), waitsNote(waits), ...absentLines(absent)].join(
      "\n\n",
    ),
    picture: standaloneSvg(sharesPlot(points)),
  };
}

/** Who could not be profiled, and why: in Markdown. */
export function absentLines(absent: readonly AbsentPoint[]): readonly string[] {
  return absent.map(({ point, contender, reason }) => `- Absent: ${contender} at ${point}: ${reason}`);
}

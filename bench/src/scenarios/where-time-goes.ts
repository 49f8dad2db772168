import { type Contender, quorumGuard, quorumGuardNoDenialCache, quorumGuardUnary } from "../decisions/contenders.ts";
import type { Point } from "../decisions/points.ts";
import { markdownTable } from "../markdown-table.ts";
import { type ProfiledPoint, profilePoint } from "../profile/profile-point.ts";
import { Rooms } from "../profile/rooms.ts";
import { shares } from "../profile/shares.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { decisionsPlans } from "./decisions.ts";

/** The points of which a ratio is promised, and whom it is promised of. */
const profiled: readonly (readonly [plan: string, point: string, contender: Contender])[] = [
  ["unique-keys", "256 in flight", quorumGuard],
  ["unique-keys", "1,024 in flight", quorumGuard],
  ["denied", "90 % denied", quorumGuardNoDenialCache],
  ["unary", "64 in flight", quorumGuardUnary],
  ["lone-call", "1 in flight", quorumGuard],
];

/** The processes of which one decision takes something; there are two followers. */
const roles = ["leader", "follower", "client"] as const;

/** What one decision takes of each process at one point, in microseconds of processor, by whose they are. */
export interface PointShares {
  readonly scenario: string;
  readonly point: string;
  readonly contender: string;
  readonly decisionsPerSecond: number;
  readonly us: Readonly<Record<(typeof roles)[number], Readonly<Record<string, number>>>>;
}

/** Our own processes under V8's profiler, at the points of other scenarios: what a decision's processor time is spent on. */
export async function whereTimeGoes({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const times = quick ? { warmUpMs: 1_000, sampleMs: 2_000 } : { warmUpMs: 15_000, sampleMs: 10_000 };
  const rooms = new Rooms();
  const points: PointShares[] = [];
  for (const [scenario, name, contender] of profiled) {
    const point = pointOf(scenario, name);
    const told = sharesOf(scenario, point, contender, await profilePoint(point, contender, times), rooms);
    points.push(told);
    say(`  ${scenario}, ${name}: ${told.decisionsPerSecond.toLocaleString("en")}/s; ${mostOf(told)}`);
  }
  return summarize(points);
}

function pointOf(scenario: string, name: string): Point {
  const point = decisionsPlans.find((plan) => plan.name === scenario)?.points.find((one) => one.name === name);
  if (point === undefined) throw new Error(`no scenario ${scenario} has a point ${name}`);
  return point;
}

function sharesOf(
  scenario: string,
  { name: point }: Point,
  { name: contender }: Contender,
  seen: ProfiledPoint,
  rooms: Rooms,
): PointShares {
  const of = (role: (typeof roles)[number]) =>
    Object.fromEntries([...shares(seen[role], rooms, seen)].toSorted((one, other) => other[1] - one[1]));
  return {
    ...{ scenario, point, contender, decisionsPerSecond: Math.round(seen.decisions / seen.seconds) },
    us: { leader: of("leader"), follower: of("follower"), client: of("client") },
  };
}

/** All of a process's parts together. */
const totalOf = (parts: Readonly<Record<string, number>>) => Object.values(parts).reduce((sum, one) => sum + one, 0);

/** What one decision takes of all processes together, two followers among them. */
export function allOf({ us }: PointShares): number {
  return totalOf(us.leader) + 2 * totalOf(us.follower) + totalOf(us.client);
}

function mostOf({ us }: PointShares): string {
  return roles.map((role) => `${role} ${totalOf(us[role]).toFixed(1)} µs`).join(", ");
}

/** A line, a table for each point. */
export function summarize(points: readonly PointShares[]): ScenarioResult {
  return {
    line: points.map((one) => `${one.scenario}, ${one.point}: ${mostOf(one)}`).join("; "),
    summary: { points },
    details: {},
    table: points.map((one) => `### ${headingOf(one)}\n\n${sharesTable(one)}`).join("\n\n"),
  };
}

/** What a point's table is under. */
export function headingOf({ scenario, point, contender }: PointShares): string {
  return `${point} of ${scenario}: ${contender}`;
}

/** A row for each part of processor time, those first that all processes together spend most on. */
export function sharesTable({ us }: PointShares): string {
  const names = [...new Set(roles.flatMap((role) => Object.keys(us[role])))];
  const all = (name: string) => roles.reduce((sum, role) => sum + (us[role][name] ?? 0), us.follower[name] ?? 0);
  const cell = (parts: Readonly<Record<string, number>>, name: string) => {
    const part = parts[name] ?? 0;
    return part === 0 ? "–" : `${short(part)} (${Math.round((100 * part) / totalOf(parts))} %)`;
  };
  const rows = names
    .filter((name) => all(name) > 0)
    .toSorted((one, other) => all(other) - all(one))
    .map((name) => [name, ...roles.map((role) => cell(us[role], name))]);
  const totals = ["all", ...roles.map((role) => short(totalOf(us[role])))];
  return markdownTable(["Microseconds of processor", "leader", "each follower", "client"], [...rows, totals]);
}

const short = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: value < 100 ? 2 : 4 });

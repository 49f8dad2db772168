import {
  allRedis,
  type Contender,
  etcdPuts,
  etcdTransactions,
  gopherGuard,
  gubernator,
  quorumGuard,
  quorumGuardLease,
  quorumGuardNoDenialCache,
  quorumGuardOfCluster,
  quorumGuardUnary,
  rateLimiterFlexible,
  redisNone,
  redisNonePipelined,
  upstash,
} from "../decisions/contenders.ts";
import type { DecisionsPlan } from "../decisions/decisions-scenario.ts";
import type { Point } from "../decisions/points.ts";
import type { RatioGoal, RatioSide } from "../decisions/ratios.ts";

/** What a user may have; a caller with a key of its own never comes near it. */
const perUser = { limit: 100, windowMs: 60_000 } as const;
/** A key of it is there for hours after each call, longer than the longest run, and nobody comes near the limit. */
const lasting = { limit: 1_000, windowMs: 300 * 86_400_000 } as const;
/** What no benchmark can exhaust, for the key that everybody asks for. */
const plenty = { limit: 2_000_000_000, windowMs: 10_000 } as const;

const redisWithout: readonly Contender[] = [redisNone, redisNonePipelined];
const redisAlways = allRedis.filter((one) => one.system === "redis-always");
const overGo: readonly Contender[] = [gubernator, gopherGuard];
/** Libraries over Redis without persistence, which remember denials in their process. */
const overRedis: readonly Contender[] = [rateLimiterFlexible, upstash];
const limiters: readonly Contender[] = [...redisWithout, ...redisAlways, ...overRedis];

const at = (point: string, contenders: readonly Contender[]): readonly RatioSide[] =>
  contenders.map((contender) => ({ point, contender }));

/** Ours, at the same point as the peers. */
function compare(
  name: string,
  point: Point,
  peers: readonly Contender[],
  goal?: number,
  ours: Contender = quorumGuard,
): RatioGoal {
  const sides = { ours: { point: point.name, contender: ours }, peers: at(point.name, peers) };
  return goal === undefined ? { name, ...sides } : { name, ...sides, goal };
}

const uniqueAt = (inFlight: number, contenders: readonly Contender[]): Point => ({
  name: `${inFlight.toLocaleString("en")} in flight`,
  keys: { kind: "unique" },
  rule: perUser,
  ...{ inFlight, processes: 1, contenders },
});

function uniqueKeys(): DecisionsPlan {
  const points = [1, 16, 64, 256, 1_024].map((inFlight) =>
    uniqueAt(inFlight, [quorumGuard, ...allRedis, rateLimiterFlexible, upstash, etcdPuts]),
  );
  const [, , , many, most] = points as [Point, Point, Point, Point, Point];
  return {
    name: "unique-keys",
    title: "Unique keys, by calls in flight",
    points,
    ratios: [
      compare("256 in flight, Redis without persistence", many, redisWithout, 1),
      compare("256 in flight, Redis that always flushes", many, redisAlways, 1.5),
      compare("1,024 in flight, Redis without persistence", most, redisWithout, 2),
      compare("256 in flight, etcd puts", many, [etcdPuts], 15),
    ],
  };
}

/** Keys, and the limit that they have. */
type KeyLoad = Pick<Point, "name" | "keys" | "rule">;

const oneHotKey: KeyLoad = { name: "one hot key", keys: { kind: "one" }, rule: plenty };
const uniform: KeyLoad = { name: "1,000,000 keys", keys: { kind: "uniform", count: 1_000_000 }, rule: lasting };
const zipf: KeyLoad = { name: "Zipf 1.1", keys: { kind: "zipf", count: 1_000_000, exponent: 1.1 }, rule: perUser };
const attack: KeyLoad = { name: "90 % denied", keys: { kind: "attack", attackers: 16, share: 0.9 }, rule: perUser };

/** 256 callers in one process. */
const by256 = (load: KeyLoad, contenders: readonly Contender[]): Point => ({
  ...load,
  ...{ inFlight: 256, processes: 1, contenders },
});

/** Apart: limiters in Go do not stand still while others are measured. */
function overGoPlan(name: string, title: string, points: readonly Point[]): DecisionsPlan {
  return {
    ...{ name, title, points },
    ratios: points.flatMap((point) =>
      overGo.map((one) => compare(`${point.name}, ${one.name}`, point, [one], undefined, point.contenders[0])),
    ),
  };
}

function goLimiters(): DecisionsPlan {
  return overGoPlan("go-limiters", "Limiters in Go", [
    ...[1, 64, 256].map((inFlight) => uniqueAt(inFlight, [quorumGuard, ...overGo])),
    ...[oneHotKey, zipf].map((load) => by256(load, [quorumGuard, ...overGo])),
    by256(attack, [quorumGuardNoDenialCache, ...overGo]),
  ]);
}

/** Apart from the other loads: by default our tables have room for a million keys and no more. */
function goUniformKeys(): DecisionsPlan {
  return overGoPlan("go-uniform-keys", "A million keys, each as often as any other: limiters in Go", [
    by256(uniform, [quorumGuard, ...overGo]),
  ]);
}

/** One population of keys, 256 callers. */
function population(name: string, title: string, load: KeyLoad): DecisionsPlan {
  const whole = by256(load, [quorumGuard, ...limiters, etcdPuts]);
  return {
    ...{ name, title, points: [whole] },
    ratios: [
      compare("Redis without persistence", whole, redisWithout),
      compare("Redis that always flushes", whole, redisAlways),
      ...overRedis.map((one) => compare(one.name, whole, [one])),
    ],
  };
}

/** Twenty-four windows of keys, one after the other, in one sample. */
function expiryDay(): DecisionsPlan {
  const sampleMs = 4_800;
  const contenders = [quorumGuard, ...redisWithout, ...redisAlways];
  // Of a limit of 1 a token comes back with its window, and with the last of them the key is gone.
  const kept: Point = {
    ...uniqueAt(256, contenders),
    name: "no key expires",
    rule: { limit: 1, windowMs: 2 * sampleMs },
  };
  const expiring: Point = { ...kept, name: "a day of hours", rule: { limit: 1, windowMs: sampleMs / 24 } };
  return {
    name: "expiry-day",
    title: "Unique keys that expire: a day of hourly windows in each sample",
    points: [expiring, kept],
    ratios: [
      compare("a day of hours, Redis without persistence", expiring, redisWithout),
      compare("no key expires, Redis without persistence", kept, redisWithout),
    ],
    sampleMs,
  };
}

function denied(): DecisionsPlan {
  const point = by256(attack, [quorumGuardOfCluster, quorumGuardNoDenialCache, ...limiters]);
  return {
    name: "denied",
    title: "An attack: nine of ten calls are denied",
    points: [point],
    ratios: [
      compare("without the denial cache, Redis without persistence", point, redisWithout, 2, quorumGuardNoDenialCache),
      compare("with the denial cache, Redis without persistence", point, redisWithout, 20, quorumGuardOfCluster),
      ...overRedis.map((one) =>
        compare(`with both memories, ${one.name}`, point, [one], undefined, quorumGuardOfCluster),
      ),
    ],
  };
}

function leasedKey(): DecisionsPlan {
  const hot = by256(oneHotKey, [quorumGuardLease, quorumGuard, ...redisWithout]);
  // Little enough to be used up in each sample, by several processes: what leases promise is told by what they admit together.
  const exhausted: Point = {
    ...hot,
    name: "used up by 4 processes",
    rule: { limit: 20_000, windowMs: 3_600_000 },
    processes: 4,
  };
  return {
    name: "leased-key",
    title: "One hot key, leased",
    points: [hot, exhausted],
    ratios: [compare("leased, Redis without persistence", hot, redisWithout, 20, quorumGuardLease)],
    note: "The ratio is of a limit that nobody comes near, so that nearly every call is answered in the client's process from what it leased. Where 4 processes use a limit up, the second point, the leader denies nearly all calls, and a lease only costs.",
  };
}

function clientProcesses(): DecisionsPlan {
  const points = [1, 4].map(
    (processes): Point => ({
      ...uniqueAt(256, [quorumGuard, ...redisWithout, ...redisAlways, etcdPuts]),
      name: processes === 1 ? "1 client process" : `${processes} client processes`,
      processes,
    }),
  );
  return {
    name: "client-processes",
    title: "Unique keys, 256 calls in flight from 1 and 4 processes",
    points,
    ratios: points.map((point) => compare(`${point.name}, Redis without persistence`, point, redisWithout)),
  };
}

function etcd(): DecisionsPlan {
  const puts = uniqueAt(256, [quorumGuard, etcdPuts]);
  const transactions: Point = {
    ...uniqueAt(1_024, [quorumGuard, etcdTransactions]),
    name: "16 × 64 in flight",
    inFlightOf: new Map([[etcdTransactions, 16]]),
  };
  return {
    name: "etcd",
    title: "Decisions, against puts that a quorum commits",
    points: [puts, transactions],
    ratios: [
      compare("256 in flight, etcd puts", puts, [etcdPuts], 15),
      compare("16 × 64 in flight, etcd transactions", transactions, [etcdTransactions], 3),
    ],
  };
}

function loneCall(): DecisionsPlan {
  const point = uniqueAt(1, [quorumGuard, quorumGuardUnary, etcdPuts, redisNone, ...redisAlways]);
  return {
    name: "lone-call",
    title: "One call at a time",
    points: [point],
    ratios: [{ ...compare("p50 in ms, an etcd put", point, [etcdPuts], 0.8), of: "p50Ms" }],
  };
}

function unary(): DecisionsPlan {
  const point = uniqueAt(64, [quorumGuardUnary, etcdPuts]);
  return {
    name: "unary",
    title: "Plain unary gRPC, 64 calls in flight",
    points: [point],
    ratios: [compare("64 in flight, etcd puts", point, [etcdPuts], 1, quorumGuardUnary)],
  };
}

function leaderKill(): DecisionsPlan {
  const contenders = [quorumGuard, etcdPuts];
  const point: Point = { ...uniqueAt(64, contenders), name: "the leader is killed", killsLeader: true };
  return {
    name: "leader-kill",
    title: "The leader is killed in the middle",
    points: [uniqueAt(64, contenders), point],
    ratios: [compare("decisions over the kill, etcd puts", point, [etcdPuts])],
    note: "A follower of etcd goes on forwarding to the leader that is gone, and answers nothing: so etcd's client gives up an attempt after 500 ms and asks the next member, and etcd's gap is that and an election, for which it waits a second. Of those killed, processor time, memory and disk are not told, since a process that is gone counts no more.",
    // Long enough for an election of etcd; a quick run, of a third of it, may end before that.
    sampleMs: 9_000,
  };
}

/** The family: unlike keys, loads and faults, and the same peers. */
export const decisionsPlans: readonly DecisionsPlan[] = [
  uniqueKeys(),
  goLimiters(),
  goUniformKeys(),
  population("hot-key", "One hot key", oneHotKey),
  population("uniform-keys", "A million keys, each as often as any other", uniform),
  population("zipf-keys", "A million keys by Zipf's law, exponent 1.1", zipf),
  expiryDay(),
  denied(),
  leasedKey(),
  clientProcesses(),
  etcd(),
  loneCall(),
  unary(),
  leaderKill(),
];

/** A point that another scenario looks at more closely. @throws {Error} when there is none of that name. */
export function pointOf(scenario: string, name: string): Point {
  const point = decisionsPlans.find((plan) => plan.name === scenario)?.points.find((one) => one.name === name);
  if (point === undefined) throw new Error(`no scenario ${scenario} has a point ${name}`);
  return point;
}

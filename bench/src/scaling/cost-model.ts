import { median } from "../median.ts";
import type { Configuration } from "./configuration.ts";
import { evaluate, type Fit, fitFewest, type Observation } from "./fewest-terms.ts";

/** What costs of a decision may depend on. */
export interface Situation {
  readonly nodes: number;
  readonly keyBytes: number;
  /** Keys in use. */
  readonly keys: number;
  /** 1: every call has a key of its own; 0: all keys are known. */
  readonly newKeys: number;
  /** Calls that one entry of the log holds. */
  readonly callsPerEntry: number;
  /** Calls that one frame of a client holds. */
  readonly callsPerFrame: number;
  /** Nodes and client processes for each core, beyond one: the more take turns on it, the less of each is in its caches. */
  readonly crowding: number;
  /** Of all client processes, the share of the others: so often a frame comes after one of another client, which had the caches. */
  readonly otherClients: number;
}

/** Up to so many keys in use the tables are taken to be in the processor's caches. */
const fewKeys = 1_024;

/** How much of each cost a decision has. */
const amounts = {
  "each decision": () => 1,
  "each entry": ({ callsPerEntry }) => 1 / callsPerEntry,
  "each frame": ({ callsPerFrame }) => 1 / callsPerFrame,
  "each entry, for each further process on a core": ({ crowding, callsPerEntry }) => crowding / callsPerEntry,
  "each frame after another client's": ({ otherClients, callsPerFrame }) => otherClients / callsPerFrame,
  "each decision, for each follower": ({ nodes }) => nodes - 1,
  "each entry, for each follower": ({ nodes, callsPerEntry }) => (nodes - 1) / callsPerEntry,
  "each byte of the key": ({ keyBytes }) => keyBytes,
  "each byte of the key, for each follower": ({ nodes, keyBytes }) => (nodes - 1) * keyBytes,
  "each new key": ({ newKeys }) => newKeys,
  "each doubling of the keys in use beyond 1,024": ({ keys }) => Math.max(0, Math.log2(keys / fewKeys)),
} as const satisfies Readonly<Record<string, (situation: Situation) => number>>;

type Term = keyof typeof amounts;

const decided = ["each decision", "each entry", "each byte of the key"] as const satisfies readonly Term[];
const crowded = ["each entry, for each further process on a core"] as const satisfies readonly Term[];
const kept = ["each new key", "each doubling of the keys in use beyond 1,024"] as const satisfies readonly Term[];
const sentOn = ["each decision, for each follower", "each entry, for each follower"] as const satisfies readonly Term[];

/** What a decision takes of whom, and what that may be made of. A node's processor is its main thread and its other threads. */
export const resources = {
  leaderThreadUs: {
    words: "the leader's main thread",
    unit: "µs",
    terms: [...decided, ...sentOn, ...kept, ...crowded],
  },
  leaderOthersUs: {
    words: "the leader's other threads",
    unit: "µs",
    terms: [...decided, ...sentOn, ...kept, ...crowded],
  },
  followerThreadUs: { words: "a follower's main thread", unit: "µs", terms: [...decided, ...kept, ...crowded] },
  followerOthersUs: { words: "a follower's other threads", unit: "µs", terms: [...decided, ...kept, ...crowded] },
  clientUs: {
    words: "the clients' processors",
    unit: "µs",
    terms: ["each decision", "each frame", "each byte of the key", "each frame after another client's"],
  },
  flushUs: { words: "the leader's disk", unit: "µs", terms: decided },
  leaderSentBytes: {
    words: "what the leader sends",
    unit: "bytes",
    terms: [...decided, "each frame", ...sentOn, "each byte of the key, for each follower"],
  },
  leaderLogBytes: { words: "the leader's log", unit: "bytes", terms: decided },
  followerLogBytes: { words: "a follower's log", unit: "bytes", terms: decided },
} as const satisfies Readonly<
  Record<string, { readonly words: string; readonly unit: "µs" | "bytes"; readonly terms: readonly Term[] }>
>;

/** The name of a resource. */
export type Resource = keyof typeof resources;

/** Those of a node, which change with the Node.js that runs it. */
const ofNodes: readonly Resource[] = ["leaderThreadUs", "leaderOthersUs", "followerThreadUs", "followerOthersUs"];

/** Sums of resources: a node's whole processor time. Nothing is fitted to them, so that no part can be predicted to be more than its whole. */
export type Whole = "leaderUs" | "followerUs";

/** The whole processor time of a node of each role, made of its threads'. Null: there are no followers. */
export function wholesOf(
  parts: Readonly<Record<"leaderThreadUs" | "leaderOthersUs" | "followerThreadUs" | "followerOthersUs", number | null>>,
): Readonly<Record<Whole, number | null>> {
  const sum = (one: number | null, other: number | null) => (one === null || other === null ? null : one + other);
  return {
    leaderUs: sum(parts.leaderThreadUs, parts.leaderOthersUs),
    followerUs: sum(parts.followerThreadUs, parts.followerOthersUs),
  };
}

/** What was measured of one configuration: medians of its samples, of one decision. Null: there are no followers, or nobody knows. */
export type Costs = Readonly<Record<Resource | Whole, number | null>> & {
  readonly decisionsPerSecond: number;
  readonly callsPerEntry: number;
  readonly callsPerFrame: number;
  /** Keys in use. */
  readonly keys: number;
};

/** A configuration with what it came to. */
export interface Measured {
  readonly configuration: Configuration;
  readonly costs: Costs;
}

/** All that is predicted from. */
export interface ScalingModel {
  /** Cores of the machine that it was measured on, with clients and nodes. */
  readonly cores: number;
  /** Keys in use while every call brings a new one, which are soon forgotten: how many are there at a time. */
  readonly newKeysInUse: number;
  /** Of each resource, what a decision takes of it. */
  readonly costs: Readonly<Record<Resource, Fit>>;
  /** The logarithm of the calls that an entry holds, on that machine. */
  readonly callsPerEntry: Fit;
  /** And of those that a client's frame holds: less than it has in flight, since not all of these are answered at once. */
  readonly callsPerFrame: Fit;
  /** Microseconds between two decisions, on that machine. */
  readonly spacing: Fit;
}

/** What a model says of a configuration, under the names of what is measured of it. */
export type Prediction = Omit<Costs, "keys">;

/** How much more or less the nodes of another Node.js take. */
export type NodeFactors = Readonly<Partial<Record<Resource, number>>>;

const costsOnly = { errors: "relative", signed: false } as const;

/**
 * Fits all costs to what was measured.
 * @throws {SingularDesignError} when the configurations do not tell the costs apart.
 */
export function fitModel(measured: readonly Measured[], cores: number): ScalingModel {
  const fitted = Object.entries(resources).map(([resource, { terms }]) => {
    const observations = measured.flatMap(({ configuration, costs }): readonly Observation[] => {
      const value = costs[resource as Resource];
      return value === null ? [] : [{ terms: termsOf(situationOf(configuration, costs, cores)), value }];
    });
    return [resource, explained(resource, () => fitFewest(terms, observations, costsOnly))] as const;
  });
  const fitBatches = (of: "callsPerEntry" | "callsPerFrame", words: string) => {
    const batches = measured.map(({ configuration, costs }) => ({
      terms: batchTerms(configuration),
      value: Math.log(costs[of]),
    }));
    return explained(words, () =>
      fitFewest(Object.keys(batches[0]!.terms), batches, { errors: "absolute", signed: true }),
    );
  };
  const spacings = measured.map(({ configuration, costs }) => ({
    terms: spacingTerms(configuration, costs.callsPerEntry, processorUs(configuration, costs)),
    value: 1e6 / costs.decisionsPerSecond,
  }));
  const withNewKeys = measured.filter(({ configuration }) => configuration.keys === "new");
  return {
    cores,
    newKeysInUse: median(withNewKeys.map(({ costs }) => costs.keys)),
    costs: Object.fromEntries(fitted) as Record<Resource, Fit>,
    callsPerEntry: fitBatches("callsPerEntry", "calls per entry"),
    callsPerFrame: fitBatches("callsPerFrame", "calls per frame"),
    spacing: explained("decisions per second", () => fitFewest(Object.keys(spacings[0]!.terms), spacings, costsOnly)),
  };
}

/** What a configuration will come to, from nothing but itself and, on another Node.js, how much more or less its nodes take. */
export function predict(model: ScalingModel, configuration: Configuration, factors: NodeFactors = {}): Prediction {
  const { nodes, inFlight, processes } = configuration;
  const terms = batchTerms(configuration);
  const sized = (fit: Fit, most: number) => Math.min(most, Math.max(1, Math.exp(evaluate(fit, terms))));
  const callsPerEntry = sized(model.callsPerEntry, inFlight);
  const callsPerFrame = sized(model.callsPerFrame, inFlight / processes);
  const keys = configuration.keys === "new" ? model.newKeysInUse : configuration.keys;
  const costs = costsAt(
    model,
    situationOf(configuration, { callsPerEntry, callsPerFrame, keys }, model.cores),
    factors,
  );
  const cpuUs = processorUs(configuration, costs);
  const spacingUs = evaluate(model.spacing, spacingTerms(configuration, callsPerEntry, cpuUs));
  // No machine gives more than all of its cores.
  const decisionsPerSecond = 1e6 / Math.max(spacingUs, cpuUs / model.cores);
  const alone = { followerUs: null, followerThreadUs: null, followerOthersUs: null, followerLogBytes: null };
  return { ...costs, ...(nodes === 1 ? alone : {}), callsPerEntry, callsPerFrame, decisionsPerSecond };
}

/** What one decision takes of each resource. */
export function costsAt(
  model: ScalingModel,
  situation: Situation,
  factors: NodeFactors = {},
): Readonly<Record<Resource | Whole, number>> {
  const entries = Object.entries(model.costs).map(([name, fit]) => {
    const factor = factors[name as Resource] ?? 1;
    return [name, factor * evaluate(fit, termsOf(situation))];
  });
  const costs = Object.fromEntries(entries) as Record<Resource, number>;
  return { ...costs, ...(wholesOf(costs) as Record<Whole, number>) };
}

/** What nodes take more or less than the model says, by what was measured of one configuration. */
export function nodeFactors(model: ScalingModel, { configuration, costs }: Measured): NodeFactors {
  const predicted = predict(model, configuration);
  return Object.fromEntries(ofNodes.map((name) => [name, Number(costs[name]) / Number(predicted[name])]));
}

/** Processor time of all processes for one decision. */
export function processorUs(
  { nodes }: Pick<Configuration, "nodes">,
  { leaderUs, followerUs, clientUs }: Pick<Costs, "leaderUs" | "followerUs" | "clientUs">,
): number {
  return leaderUs! + (nodes - 1) * (followerUs ?? 0) + clientUs!;
}

/** How many of these processes take turns on each core, beyond one. */
export function crowdingOf(processes: number, cores: number): number {
  return Math.max(0, processes / cores - 1);
}

function situationOf(
  { nodes, keyBytes, keys: asked, processes }: Configuration,
  { callsPerEntry, callsPerFrame, keys }: Pick<Costs, "callsPerEntry" | "callsPerFrame" | "keys">,
  cores: number,
): Situation {
  const newKeys = asked === "new" ? 1 : 0;
  const crowding = crowdingOf(nodes + processes, cores);
  const otherClients = 1 - 1 / processes;
  return { nodes, keyBytes, newKeys, keys, callsPerEntry, callsPerFrame, crowding, otherClients };
}

function termsOf(situation: Situation): Readonly<Record<Term, number>> {
  const entries = Object.entries(amounts).map(([name, amount]) => [name, amount(situation)]);
  return Object.fromEntries(entries) as Record<Term, number>;
}

/**
 * Powers, which are sums where all are logarithms. If nothing explains more, all that a client has in flight is a frame, and an entry;
 * many calls of one client are less than proportionally in one, and those of several clients may meet in one entry.
 */
function batchTerms({ nodes, inFlight, processes }: Configuration): Readonly<Record<string, number>> {
  const ofProcess = Math.log(inFlight / processes);
  return {
    "whatever there is": 1,
    "calls in flight of a client process": ofProcess,
    "the square of that": ofProcess ** 2,
    "client processes": Math.log(processes),
    nodes: Math.log(nodes),
  };
}

/** Entries that are on their way at once share the cores; those that wait for each other leave some of them idle meanwhile. */
function spacingTerms(
  { nodes, inFlight }: Configuration,
  callsPerEntry: number,
  cpuUs: number,
): Readonly<Record<string, number>> {
  return {
    "processor time": cpuUs,
    "processor time, by the share of calls in one entry": (cpuUs * callsPerEntry) / inFlight,
    "each call, by calls in flight": 1 / inFlight,
    "each call, by calls in flight, with followers": nodes > 1 ? 1 / inFlight : 0,
  };
}

function explained<T>(what: string, fit: () => T): T {
  try {
    return fit();
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

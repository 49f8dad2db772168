/** One way to run and to load a cluster. */
export interface Configuration {
  readonly name: string;
  readonly nodes: number;
  /** Callers in all client processes, each with one call in flight. */
  readonly inFlight: number;
  readonly processes: number;
  readonly keyBytes: number;
  /** Keys that calls are drawn from; `new`: every call has one that nobody asked for before. */
  readonly keys: number | "new";
  /** Nodes run on the other Node.js. */
  readonly otherNode: boolean;
}

/** What all others differ from in one thing. */
export const reference: Configuration = {
  ...{ name: "reference", nodes: 3, inFlight: 256, processes: 1, keyBytes: 16, keys: 10_000, otherNode: false },
};

const varied = (name: string, change: Partial<Configuration>): Configuration => ({ ...reference, ...change, name });

/**
 * What costs are fitted to: each thing that they may depend on is varied by itself. A frame of 256 calls with the longest keys is
 * smaller than HTTP/2's first window of 64 KiB: of those beyond it, entries were seen to hold fewer calls.
 */
export const grid: readonly Configuration[] = [
  reference,
  varied("16 in flight", { inFlight: 16 }),
  varied("64 in flight", { inFlight: 64 }),
  varied("1,024 in flight", { inFlight: 1_024 }),
  varied("keys of 200 bytes", { keyBytes: 200 }),
  varied("new keys", { keys: "new" }),
  varied("1,000,000 keys", { keys: 1_000_000 }),
  varied("2 client processes", { processes: 2 }),
  varied("3 client processes", { processes: 3 }),
  varied("1 node", { nodes: 1 }),
  varied("1 node, 64 in flight", { nodes: 1, inFlight: 64 }),
  varied("1 node, keys of 200 bytes", { nodes: 1, keyBytes: 200 }),
];

/** What no cost was fitted to, for the model to predict. */
export const heldOut: readonly Configuration[] = [
  varied("5 nodes", { nodes: 5 }),
  varied("4 client processes", { processes: 4 }),
  varied("64 in flight, keys of 120 bytes", { inFlight: 64, keyBytes: 120 }),
  // Of those that were held out last, until what several clients take was changed with them in sight.
  varied("5 nodes, 2 client processes", { nodes: 5, processes: 2 }),
  varied("6 client processes", { processes: 6 }),
];

/**
 * Held out as well, and added after the model was final: it was made while the others came out, but never with these in sight. None of
 * them may ever be a reason to change it; who changes it for their sake has to think of new ones. All others that are held out have the
 * reference's keys: by two of these it comes out what new keys cost, and what many do; and by the last two, which came when the others of several
 * clients had been seen, what these take.
 */
export const heldOutLast: readonly Configuration[] = [
  varied("512 in flight", { inFlight: 512 }),
  varied("64 in flight, new keys", { inFlight: 64, keys: "new" }),
  varied("1,024 in flight, 1,000,000 keys", { inFlight: 1_024, keys: 1_000_000 }),
  varied("5 client processes", { processes: 5 }),
  varied("64 in flight, 2 client processes", { inFlight: 64, processes: 2 }),
];

/** The reference on the other Node.js: how much more or less its nodes take is measured here, and nowhere else. */
export const otherReference: Configuration = varied("reference, other Node.js", { otherNode: true });

/** Held out as well, where there is another Node.js. */
export const heldOutOther: readonly Configuration[] = [
  varied("64 in flight, other Node.js", { inFlight: 64, otherNode: true }),
];

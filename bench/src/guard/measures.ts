/** What is measured of a path, each in a process of its own. */
export type Measure = "bytes" | "time";

/** What the process under measurement is told. */
export interface GuardTask {
  readonly path: string;
  readonly measure: Measure;
  /** Objects that each operation makes for nothing: to see the guard go red. */
  readonly waste: number;
}

/** What it tells. */
export interface GuardReport {
  readonly unit: string;
  /** Bytes that an operation allocates, or its time in steps of the kernel. */
  readonly value: number;
}

/**
 * For bytes: the optimiser works when it is called and not beside the program, hashes begin alike, and no collection comes while a block
 * runs, except in a few. So a count is the same in each run.
 * For time: rubbish is collected by the thread that made it, since helpers that wait for each other use up time of a busy machine.
 */
export const nodeFlags: Readonly<Record<Measure, readonly string[]>> = {
  bytes: [
    "--single-threaded",
    "--hash-seed=1",
    "--random-seed=1",
    "--min-semi-space-size=64",
    "--max-semi-space-size=64",
  ],
  time: ["--single-threaded-gc"],
};

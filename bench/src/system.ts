/** Servers under measurement: started by the bench itself, on loopback, with processes and data of their own. */
export interface System {
  /** Versions and settings, as the results tell them. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Where clients find it, who leads first where somebody does. */
  endpoints(): Promise<readonly string[]>;
  /** Ids of its processes that run. */
  pids(): readonly number[];
  /** Flushes so far, of each of its processes; null: they do not count them. */
  flushes(): Promise<readonly number[] | null>;
  /** What one process alone may do; null: all are alike. */
  readonly leader: Leader | null;
  stop(): Promise<void>;
}

/** The one process that decides, for who wants to see how the others go on without it. */
export interface Leader {
  /** SIGKILL; resolves once the process is gone. */
  kill(): Promise<void>;
  /** Starts what was killed again, on the same data, and resolves when all is as before. */
  restore(): Promise<void>;
}

/** Why a peer is not in the table: said in the results, never dropped silently. */
export class AbsentSystem extends Error {
  override readonly name = "AbsentSystem";
}

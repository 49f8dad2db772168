/** A limiter under measurement: started by the bench itself, on loopback, with processes and data of its own. */
export interface System {
  readonly name: string;
  /** One decision. Rejects if it could not be made; a benchmark with failures is void. */
  allow(key: string): Promise<boolean>;
  /** Flushes (fdatasync) so far, per node; null where it does not apply. */
  flushes(): Promise<readonly number[] | null>;
  stop(): Promise<void>;
}

/** Why a peer is not in the table: said in the results, never dropped silently. */
export class AbsentSystem extends Error {
  override readonly name = "AbsentSystem";
}

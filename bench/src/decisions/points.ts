import type { Rule } from "../client.ts";
import type { Contender } from "./contenders.ts";
import type { KeySource } from "./keys.ts";
import type { Sample } from "./sample.ts";

/** One workload, and who is put under it in turns. */
export interface Point {
  /** Such as `256 in flight`. */
  readonly name: string;
  readonly keys: KeySource;
  readonly rule: Rule;
  /** Callers in all client processes, each with one call in flight. */
  readonly inFlight: number;
  readonly processes: number;
  readonly contenders: readonly Contender[];
  /** Where it differs by contender, such as for calls of 64 decisions. */
  readonly inFlightOf?: ReadonlyMap<Contender, number>;
  /** SIGKILL to who leads, in the middle of every sample: calls may fail there, and only there. */
  readonly killsLeader?: boolean;
}

/** What one contender did at one point. */
export interface Cell {
  readonly point: string;
  readonly contender: string;
  readonly inFlight: number;
  /** Decisions per second of each stretch of warming up. */
  readonly warmUpRates: readonly number[];
  readonly samples: readonly Sample[];
  /**
   * Admissions beyond the limit in all samples together, warming up included; null: no key of this workload is asked for often enough,
   * or the contender decides nothing.
   */
  readonly overAdmitted: number | null;
}

/** A contender that could not be started here. */
export interface Absence {
  readonly contender: string;
  readonly reason: string;
}

/** All that a scenario measured. */
export interface Measurement {
  readonly cells: readonly Cell[];
  readonly absent: readonly Absence[];
  /** By contender. */
  readonly configurations: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

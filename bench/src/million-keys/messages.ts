import type { Delay, Stretch } from "./delay-clock.ts";

/** What an algorithm is measured with. */
export interface Task {
  readonly algorithm: string;
  /** A whole number of thousands: each session has 1,000 keys. */
  readonly keys: number;
  /** Ends once all keys are live and their memory is known. Default false. */
  readonly onlyGrowth?: boolean;
}

/** One phase, as the process under measurement saw it. */
export interface PhaseFacts extends Stretch {
  readonly seconds: number;
  /** Entries applied; each in an event-loop turn of its own. */
  readonly entries: number;
  readonly decisions: number;
  /** Live keys at its end. */
  readonly keys: number;
  /** The delay as it were if nobody else wanted the processor: of what is due every millisecond of the thread's own time. */
  readonly own: Delay;
}

/** What the counters took once all keys were live. */
export interface Memory {
  /** Pages of the state ÷ keys, with one admission on each: what a snapshot of it takes. */
  readonly bytesPerKey: number;
  /** The same after the takes of the steady phase. */
  readonly bytesPerKeyLater: number;
  /** What the whole process grew by until all keys were live ÷ keys. */
  readonly residentBytesPerKey: number;
}

/** What the process under measurement tells the scenario. */
export type SubjectReport =
  | { readonly kind: "begin" }
  | { readonly kind: "end"; readonly phase: string; readonly facts: PhaseFacts }
  | { readonly kind: "memory"; readonly memory: Memory };

/** What the idle process tells the scenario. */
export interface ControlReport {
  readonly stretch: Stretch;
}

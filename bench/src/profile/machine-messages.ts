import type { Algorithm } from "@quorumguard/limiter";

/** What one process with nothing but a limiter applies. */
export interface MachineTask {
  readonly algorithm: keyof typeof Algorithm;
  /** A whole number of thousands. */
  readonly keys: number;
}

/** What it says: that all is written and it waits, and what it came to once it was told to begin. */
export type MachineMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "applied"; readonly decisions: number; readonly fromUs: number; readonly toUs: number };

/** What it is told to do: to apply all, and to end once its times are read. */
export type MachineOrder = "begin" | "end";

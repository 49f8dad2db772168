import type { CallLine } from "./history.ts";

/** What a steady caller was told of one call, and when. */
export type SteadyAnswer = Pick<CallLine, "startUs" | "endUs" | "source" | "allowed" | "error">;

/** A line that a client process prints. */
export type ClientReport =
  | { readonly kind: "counts"; readonly calls: number; readonly decided: number; readonly failed: number }
  | ({ readonly kind: "steady" } & SteadyAnswer);

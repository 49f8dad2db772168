import type { ClientPlace } from "../client.ts";
import type { ClientName } from "../clients/index.ts";
import type { LoopReport } from "./closed-loop.ts";
import type { KeySource } from "./keys.ts";

/** What a client process is: told on its command line. */
export interface ClientTask {
  readonly client: ClientName;
  readonly place: ClientPlace;
}

/** What it is told to do. `load` is got ready, and begins at `begin`: what is drawn beforehand is not measured. */
export type ClientOrder =
  | {
      readonly kind: "load";
      readonly inFlight: number;
      readonly durationMs: number;
      readonly keys: KeySource;
      /** As in `keySequence`. */
      readonly sample: string;
      readonly own: string;
      readonly seed: number;
    }
  | { readonly kind: "begin" | "stop" };

/** What it says. */
export type ClientMessage =
  | { readonly kind: "open"; readonly decisionsPerCall: number }
  | { readonly kind: "loaded" }
  | { readonly kind: "report"; readonly report: LoopReport };

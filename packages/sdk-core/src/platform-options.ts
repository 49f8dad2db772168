import type { GuardObserver } from "./guard-observer.ts";

/** What a platform's package adds to the options of its users. */
export interface PlatformOptions {
  /** Used when the caller names no endpoint. */
  readonly defaultEndpoints: string | readonly string[];
  /** For operators: "sdk-node/0.1.0 node/24". */
  readonly client: string;
  /** The names of the options that this package takes. Default: those of every guard. */
  readonly optionNames?: readonly string[];
  /** Which of a member's addresses this transport speaks to, from the wire's Member and the caller's endpoints. */
  readonly endpointOf: (member: { readonly grpcEndpoint: string; readonly httpUrl: string }) => string;
  /**
   * Told of the first decision of an outage that was made without the cluster, unless somebody listens for `degraded`; once
   * per outage. Default: nobody is told.
   */
  readonly warn?: (message: string) => void;
  /** Counts what operators want to see. Default: nobody does. */
  readonly observer?: GuardObserver;
}

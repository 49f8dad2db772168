import type { GuardObserver } from "./guard-observer.ts";
import type { DenialMemory, DenialMemoryOptions } from "./without-network/denial-memory.ts";

/**
 * What the device under a guard knows of its own network and of its own sleep, as a browser does and a server does not. It is a
 * hint: what it says of the network spares waiting, and nothing relies on it alone.
 */
export interface Device {
  /** Whether it says that it has no network: an attempt that fails then is not repeated. */
  isOffline(): boolean;
  /** Whether it says so, and nobody is asked who could be reached without a network: then nothing is sent. */
  isCutOff(): boolean;
  /**
   * Calls when the network is back, or when the device has slept: what was remembered may be out of date, and who was away may be
   * there again. Returns what ends that.
   */
  onReturn(listener: () => void): () => void;
}

/** What a warning is about. */
export type WarnedOf = "degraded" | "misconfigured" | "replaced" | "timeout" | "full";

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
   * Told of the first decision of an outage that was made without the cluster, once per outage, of a cluster that was replaced, and of an
   * endpoint that is a mistake beside others that serve; unless somebody listens for the event of that name. Without an event: of a key
   * that a cluster has no room for, now and then, and of a guard's deadline that is hardly meant. Default: nobody is told.
   */
  readonly warn?: (message: string, about: WarnedOf) => void;
  /** Counts what operators want to see. Default: nobody does. */
  readonly observer?: GuardObserver;
  /**
   * Without streams: calls of one turn of the event loop that may travel in one request, 1 to 1,024. Default 1: none waits for another,
   * and none outlives the handler that made it.
   */
  readonly maxCallsPerRequest?: number;
  /**
   * Without streams: what remembers denials for a bounded time, since nothing is pushed that would undo them. Default: none, and the
   * cluster is asked each time. Passed in, so that who has no use for it does not carry it.
   */
  readonly createDenials?: (options: Omit<DenialMemoryOptions, "maxAgeMs">) => DenialMemory;
  /** What the device knows of its own network. Default: nothing. */
  readonly device?: Device;
}

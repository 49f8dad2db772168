/**
 * The whole guard over `fetch`, for Node, edge runtimes and trusted pages. Each call is a request of its own under a
 * request id, so that nothing outlives the handler that made it and any node, or a proxy, may answer a retry.
 */
import {
  checkEndpoints,
  createRequestGuard,
  expectGuardOptions,
  forCaller,
  type Guard,
  GuardError,
  type GuardOptions,
  guardOptionNames,
} from "@quorumguard/sdk-core";
import { createConnectTransport, type Fetch } from "./connect-transport.ts";
import { webRuntime } from "./web-runtime.ts";

export type { Fetch } from "./connect-transport.ts";
export * from "./shared.ts";

const VERSION = "0.1.0";
const DEFAULT_HTTP_PORT = 7402;
const DEFAULT_ENDPOINT = `http://127.0.0.1:${DEFAULT_HTTP_PORT}`;

/** There are no streams, hence no routing, and nothing is pushed that would undo what was remembered or leased. */
const withoutStreams = ["routing", "lease", "maxRememberedKeys", "reconcile", "maxUnreportedCalls"] as const;
const optionNames = [...guardOptionNames.filter((name) => !withoutStreams.some((each) => each === name)), "fetch"];

/**
 * Options of a guard over `fetch`. There are no streams, hence no `routing`: whoever is asked forwards; no `lease` nor
 * `maxRememberedKeys`: the cluster is asked each time; and no `reconcile`: nothing is sent that no caller waits for.
 */
export interface EdgeGuardOptions<P extends string = string>
  extends Omit<GuardOptions<P>, (typeof withoutStreams)[number]> {
  /**
   * URLs of nodes' HTTP ports, or one of a proxy, with its path if it has one; 1 to 64, as a list or one text with commas.
   * `host:port` means `http://`. Default http://127.0.0.1:7402.
   */
  readonly endpoints?: string | readonly string[] | undefined;
  /** What makes the requests, if not the platform's own `fetch` (the default): one with another authority, or through a service binding. */
  readonly fetch?: Fetch | undefined;
}

/**
 * Makes a guard over `fetch`. Nothing is sent before the first call.
 *
 * The first decision of an outage that the cluster did not make is told by `console.warn`, unless somebody listens:
 * `guard.on("degraded", …)`. With `onUnavailable: "throw"` it is not.
 *
 * @throws {GuardError} invalid_argument when an option is unknown or out of bounds; the message names it.
 */
export function createGuard<const P extends string = string>(options: EdgeGuardOptions<P> = {}): Guard<P> {
  return forCaller(createGuard, () => guardOf(options));
}

function guardOf<const P extends string>(options: EdgeGuardOptions<P>): Guard<P> {
  expectGuardOptions(options);
  checkEndpoints(options.endpoints, { field: "endpoints", paths: true, port: DEFAULT_HTTP_PORT });
  const { fetch } = options;
  if (fetch !== undefined && typeof fetch !== "function") {
    throw new GuardError("invalid_argument", "fetch: it must be a function", { details: { field: "fetch" } });
  }
  const transport = createConnectTransport(fetch === undefined ? {} : { fetch });
  const endpoints = withScheme(options.endpoints);
  return createRequestGuard(
    {
      ...options,
      ...(endpoints === undefined ? {} : { endpoints }),
    } as GuardOptions<P>,
    transport,
    webRuntime,
    {
      defaultEndpoints: DEFAULT_ENDPOINT,
      optionNames,
      warn: (message) => console.warn(`QuorumGuard: ${message}`),
      client: `sdk-web/${VERSION}`,
      endpointOf: (member) => member.httpUrl,
    },
  );
}

/** `host:port` is accepted as `http://host:port`; what is no text is left to the check of the options. */
function withScheme(endpoints: EdgeGuardOptions["endpoints"]): string | readonly string[] | undefined {
  const one = (endpoint: string) =>
    typeof endpoint !== "string" || /^\s*https?:\/\//i.test(endpoint) || endpoint.trim() === ""
      ? endpoint
      : `http://${endpoint.trim()}`;
  if (typeof endpoints === "string") return endpoints.split(",").map(one);
  return Array.isArray(endpoints) ? endpoints.map(one) : endpoints;
}

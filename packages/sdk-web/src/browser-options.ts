import {
  checkEndpoints,
  expectGuardOptions,
  GuardError,
  type OnUnavailable,
  type TokenSource,
  TransportError,
} from "@quorumguard/sdk-core";
import type { Fetch } from "./connect-transport.ts";
import { inventedLimit } from "./invented-limit.ts";
import { pageOrigin } from "./page-origin.ts";

/** The names of all options. */
export const browserOptionNames = ["endpoints", "token", "timeoutMs", "onUnavailable", "namespace", "fetch"] as const;

/** What a page's guard is told. */
export interface BrowserGuardOptions {
  /**
   * Where this page reaches the cluster: a proxy's URL or nodes' HTTP ports, with `https://` and a path if there is one; or a path of the
   * page's own origin, such as `"/limits"`. 1 to 64, as a list or one text with commas. Required.
   */
  readonly endpoints: string | readonly string[];
  /**
   * A short-lived token that your server made for this visitor, or better a function that fetches one: it is asked again before the
   * token's time is over. Required, unless the cluster runs on this machine (`localhost`).
   */
  readonly token?: TokenSource | undefined;
  /**
   * The one deadline of a call in milliseconds, 1 to 2,147,483,647. Default 3,000: a phone's first request takes a second to connect,
   * and a failover fits in the rest.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * What callers get when the cluster cannot decide or the device is offline. Default `"local"`: this page's own count, once the
   * cluster has told what the policy says.
   */
  readonly onUnavailable?: OnUnavailable | undefined;
  /** Whose keys and policies are meant, where a cluster serves many tenants. Up to 128 bytes of UTF-8. Default `""`. */
  readonly namespace?: string | undefined;
  /** What makes the requests, if not the page's own `fetch` (the default). */
  readonly fetch?: Fetch | undefined;
}

/** Where a page's calls go. */
export interface BrowserEndpoints {
  readonly endpoints: readonly string[];
  /** None of them is on this machine. */
  readonly isRemote: boolean;
  /** All of them are paths of a page's origin, and this is no page: nothing is ever sent. */
  readonly isNoPage: boolean;
}

/** A node's HTTP port, for what messages propose. */
const HTTP_PORT = 7402;
/** Stands for the page's origin while a server renders the page: who calls there is told. */
const NO_ORIGIN = "http://no-origin.invalid";

/**
 * Checks what only a page's guard asks of its options; the rest is checked with all guards'.
 *
 * @throws {GuardError} invalid_argument, naming the field and what to write.
 */
export function readBrowserOptions(options: BrowserGuardOptions): BrowserEndpoints {
  expectGuardOptions(options);
  if (Object.hasOwn(options, "policies")) throw inventedLimit("policies", (options as { policies?: unknown }).policies);
  const { token, fetch } = options;
  if (fetch !== undefined && typeof fetch !== "function") throw mistake("fetch", "it must be a function");
  const endpoints = resolveEndpoints(options.endpoints);
  const hosts = endpoints.filter((endpoint) => !endpoint.startsWith(NO_ORIGIN)).map(hostOf);
  const isRemote = !hosts.some(isLoopback);
  if (token === undefined && hosts.some((host) => !isLoopback(host))) {
    const remedy =
      "let your server make a short-lived one for the visitor (createTokenIssuer of @quorumguard/sdk-node/tokens), and write " +
      'token: async () => { const r = await fetch("/token"); if (!r.ok) throw new Error("no token"); return r.text(); }';
    throw mistake("token", `it is missing, and ${endpoints[0]} is not on this machine; ${remedy}`);
  }
  return { endpoints, isRemote, isNoPage: hosts.length === 0 };
}

function resolveEndpoints(endpoints: unknown): readonly string[] {
  const example =
    'write the URL at which this page reaches the cluster, such as "https://limits.example.com" or "/limits"';
  if (endpoints === undefined) throw mistake("endpoints", `it is missing; ${example}`);
  const list = typeof endpoints === "string" ? endpoints.split(",") : endpoints;
  if (!Array.isArray(list) || list.some((endpoint) => typeof endpoint !== "string")) {
    throw mistake("endpoints", `it must be a text or a list of texts; ${example}`);
  }
  const resolved = (list as string[]).map((endpoint, at) => {
    const trimmed = endpoint.trim();
    if (/^\/(?!\/)/.test(trimmed)) return `${pageOrigin() ?? NO_ORIGIN}${trimmed}`;
    if (trimmed !== "" && !/^[a-z][a-z0-9+.-]*:\//i.test(trimmed)) {
      const otherwise = 'or a path of the page\'s own origin that leads there, such as "/limits"';
      throw mistake(`endpoints[${at}]`, `"${trimmed.slice(0, 80)}" is no URL; write "${urlOf(trimmed)}", ${otherwise}`);
    }
    return trimmed;
  });
  checkEndpoints(resolved, { field: "endpoints", paths: true, port: HTTP_PORT });
  return resolved;
}

/** What was most likely meant by an address without a scheme: a node's HTTP port, as pages speak no gRPC. */
function urlOf(address: string): string {
  const [, host = address, port = "", path = ""] = /^\/*(\[[^\]]*\]|[^:/]*)(?::(\d+))?(.*)$/.exec(address) ?? [];
  const isLocal = isLoopback(host);
  const isNodes = port === "7400" || port === "7401" || (port === "" && isLocal);
  const right = isNodes ? `:${HTTP_PORT}` : port === "" ? "" : `:${port}`;
  return `${isLocal ? "http" : "https"}://${host}${right}${path}`;
}

/** Where no page is, a path of its origin leads nowhere. */
export function noPageFault(endpoint: string): TransportError | null {
  if (!endpoint.startsWith(NO_ORIGIN)) return null;
  const path = JSON.stringify(endpoint.slice(NO_ORIGIN.length));
  const message = `endpoints: ${path} is a path of a page's own origin, and this is no page; write the whole URL, such as "http://localhost:${HTTP_PORT}", or make the call in the page`;
  return new TransportError("misconfigured", message);
}

function hostOf(endpoint: string): string {
  try {
    return new URL(endpoint).hostname;
  } catch {
    return endpoint;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function mistake(field: string, what: string): GuardError {
  return new GuardError("invalid_argument", `${field}: ${what}`, { details: { field } });
}

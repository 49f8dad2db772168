import { checkNames, knownNames } from "@quorumguard/sdk-core";
import { holds, type Network, readNetworks } from "./identity/networks.ts";
import type { Address } from "./identity/parse-address.ts";
import { checkFunction, invalidOption } from "./option-checks.ts";
import type { RequestFacts } from "./request-facts.ts";

/** Requests that are let through and counted nowhere: those to which one of these applies. */
export interface Skip<R> {
  /**
   * Paths, from the root and without query: `"/healthz"`, or `"/assets/*"` for all that lie below. They are compared as sent,
   * letter by letter; below `/*` a path with dot segments, doubled or encoded slashes is limited all the same.
   */
  readonly paths?: readonly string[];
  /** Methods, in capitals, such as `"OPTIONS"`. */
  readonly methods?: readonly string[];
  /** Addresses and networks that requests come from, as with `trustedProxies`: `"10.0.0.0/8"`. */
  readonly addresses?: readonly string[];
  /** Says it of one request. */
  readonly when?: (request: R) => boolean | Promise<boolean>;
}

/** A {@link Skip} that was checked. */
export interface ResolvedSkip<R> {
  readonly networks: readonly Network[];
  /** What does not need the address. */
  skips(request: R, facts: RequestFacts): Promise<boolean>;
  /** True if all requests from there are skipped. */
  skipsAddress(address: Address): boolean;
}

const known = knownNames("a way to skip", ["paths", "methods", "addresses", "when"], {
  ips: "write addresses",
  path: "write paths, a list",
});

/** Checks the option `skip`. @throws {GuardError} `invalid_argument`, naming the field. */
export function resolveSkip<R>(skip: Skip<R> | undefined): ResolvedSkip<R> {
  if (skip !== undefined && (typeof skip !== "object" || skip === null || Array.isArray(skip))) {
    throw invalidOption("skip", skip, 'write what to skip, such as { paths: ["/healthz"] }');
  }
  const { paths = [], methods = [], addresses = [], when } = skip ?? {};
  checkNames(skip ?? {}, known, "skip");
  checkFunction(when, "skip.when");
  checkTexts(paths, "skip.paths", /^\/[^?#*]*(?:\/\*)?$|^\/\*$/, 'paths begin with "/" and may end in "/*"');
  checkTexts(methods, "skip.methods", /^[A-Z]+$/, "methods are written in capitals");
  const networks = readNetworks(addresses, "skip.addresses");
  const [exact, below] = [new Set(paths), paths.filter((path) => path.endsWith("/*")).map((path) => path.slice(0, -1))];
  return {
    networks,
    async skips(request, { method, path }) {
      if (methods.includes(method) || exact.has(path)) return true;
      if (below.some((start) => path.startsWith(start)) && isPlain(path)) return true;
      return when !== undefined && (await when(request)) === true;
    },
    skipsAddress: (address) => holds(networks, address),
  };
}

/** False for paths that a server or proxy may take for another path than the one that is written. */
function isPlain(path: string): boolean {
  return !/\/\.{1,2}(?:\/|$)|\/\/|\\|%2e|%2f|%5c/i.test(path);
}

function checkTexts(texts: readonly string[], field: string, form: RegExp, hint: string): void {
  if (!Array.isArray(texts)) throw invalidOption(field, texts, "write a list");
  texts.forEach((text, at) => {
    if (typeof text !== "string" || !form.test(text)) throw invalidOption(`${field}[${at}]`, text, hint);
  });
}

import {
  bindMethods,
  type CallOptions,
  createRequestGuard,
  type Decision,
  DenialMemory,
  forCaller,
  type Guard,
  type GuardOptions,
  promiseFor,
  type Transport,
  type WaitOptions,
} from "@quorumguard/sdk-core";
import type { BrowserGuard, BrowserGuardEvent, KeyOptions, PolicyCheck } from "./browser-guard.ts";
import { type BrowserGuardOptions, browserOptionNames, noPageFault, readBrowserOptions } from "./browser-options.ts";
import { createConnectTransport } from "./connect-transport.ts";
import { type Denial, DenialWatch, type WatchedKey } from "./denial-watch.ts";
import { checkNoRule, checkPolicyArgument } from "./invented-limit.ts";
import { createPageDevice } from "./page-device.ts";
import { createPageRuntime } from "./page-runtime.ts";

const VERSION = "0.1.0";
const DEFAULT_TIMEOUT_MS = 3_000;
const MAX_CALLS_PER_REQUEST = 64;

/**
 * For how many milliseconds a denial is honoured without asking again, by the monotonic and by the wall clock, whichever says so first.
 * So a page notices a key that was reset, or a limit that was raised, no later than this after it was denied.
 */
export const maxDenialAgeMs = 5_000;

/**
 * Makes the guard of a page, web worker or service worker. Nothing is sent before the first call. The names of the policies may be
 * given, so that a misspelt one does not compile: `createGuard<"login" | "button">({ … })`.
 *
 * @throws {GuardError} invalid_argument when an option is unknown, missing or out of bounds; the message names it.
 */
export function createGuard<P extends string = string>(options: BrowserGuardOptions): BrowserGuard<P> {
  return forCaller(createGuard, () => bindMethods(guardOf(options)) as unknown as BrowserGuard<P>);
}

function guardOf(options: BrowserGuardOptions): PageGuard {
  const { endpoints, isRemote, isNoPage } = readBrowserOptions(options);
  const { fetch, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  // A page's function cannot fetch a token here, and its failure would pass for an outage.
  const token = isNoPage ? undefined : options.token;
  const runtime = createPageRuntime();
  const overFetch = createConnectTransport(fetch === undefined ? {} : { fetch });
  const transport: Transport = {
    ...overFetch,
    async unary(call, token) {
      const fault = noPageFault(call.endpoint);
      if (fault !== null) throw fault;
      return overFetch.unary(call, token);
    },
  };
  const guard = createRequestGuard({ ...options, endpoints, timeoutMs, token } as GuardOptions, transport, runtime, {
    defaultEndpoints: endpoints,
    optionNames: browserOptionNames,
    client: `sdk-web/${VERSION}`,
    endpointOf: (member) => member.httpUrl,
    maxCallsPerRequest: MAX_CALLS_PER_REQUEST,
    createDenials: (denials) => new DenialMemory({ ...denials, maxAgeMs: maxDenialAgeMs }),
    device: createPageDevice(runtime, isRemote),
  });
  return new PageGuard(guard, new DenialWatch(runtime));
}

class PageGuard implements BrowserGuard {
  readonly #guard: Guard;
  readonly #watch: DenialWatch;
  /** Calls so far. */
  #calls = 0;

  constructor(guard: Guard, watch: DenialWatch) {
    this.#guard = guard;
    this.#watch = watch;
  }

  allow(key: string, policy: string, options?: CallOptions): Promise<Decision> {
    return promiseFor<Decision>(methods.allow, (resolve) => {
      checkPolicyArgument(policy);
      checkNoRule(options, "options");
      const decided = this.#guard.allow(key, policy, options);
      resolve(this.#noted({ key, policy, cost: options?.cost ?? 1 }, decided, this.#nextOrder()));
    });
  }

  peek(check: PolicyCheck): Promise<Decision> {
    return promiseFor<Decision>(methods.peek, (resolve) => {
      resolve(this.#noted(watchedBy(check, undefined), this.#guard.peek(check), this.#nextOrder()));
    });
  }

  wait(check: PolicyCheck, options: WaitOptions): Promise<Decision> {
    return promiseFor<Decision>(methods.wait, (resolve) => {
      checkNoRule(options, "options");
      resolve(this.#noted(watchedBy(check, options?.cost), this.#guard.wait(check, options)));
    });
  }

  denialOf(key: string, policy: string, options: KeyOptions = {}): Denial | null {
    return this.#watch.denialOf({ key, policy, cost: options.cost ?? 1 });
  }

  watch(key: string, policy: string, listener: (decision: Decision) => void, options: KeyOptions = {}): () => void {
    return this.#watch.watch({ key, policy, cost: options.cost ?? 1 }, listener);
  }

  on<E extends BrowserGuardEvent["type"]>(
    event: E,
    listener: (event: Extract<BrowserGuardEvent, { readonly type: E }>) => void,
  ): () => void {
    return forCaller(methods.on, () => this.#guard.on(event, listener as never));
  }

  close(): Promise<void> {
    return this.#guard.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #nextOrder(): number {
    this.#calls += 1;
    return this.#calls;
  }

  /** Without an `order` it takes its turn when it is decided: a wait asks until its end. */
  async #noted(watched: WatchedKey, decided: Promise<Decision>, order?: number): Promise<Decision> {
    const decision = await decided;
    this.#watch.note(watched, order ?? this.#nextOrder(), decision);
    return decision;
  }
}

/** Whose countdown the answer to this check moves. @throws {GuardError} invalid_argument when it chooses a limit. */
function watchedBy(check: PolicyCheck, cost: number | undefined): WatchedKey {
  checkNoRule(check, "check");
  if (typeof check === "object" && check !== null) checkPolicyArgument(check.policy);
  return { key: check?.key, policy: check?.policy, cost: cost ?? check?.cost ?? 1 };
}

/** The public methods as they are declared, which is how their frames are known. */
const methods = PageGuard.prototype;

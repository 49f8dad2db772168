import { type BrowserGuard, type BrowserGuardOptions, createGuard } from "@quorumguard/sdk-web";

/** What became of a call, as plain data that a driver can carry out of the page. */
export interface CallReport {
  readonly allowed: boolean | null;
  readonly remaining: number | null;
  readonly retryAfterMs: number | null;
  readonly source: string | null;
  readonly degraded: boolean;
  /** Of the error, if there was one: its code, and why the cluster refused. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly tookMs: number;
}

/** A visitor of a case: its key, and a guard with tokens of its own. */
export interface Visitor {
  readonly guard: BrowserGuard;
  readonly key: string;
  /** Requests to the cluster that the guard has made so far: all of them, or those of one method. */
  requests(method?: string): number;
  /** Those of a method that were answered: what a lost leader refused is sent again, and counts once. */
  answers(method: string): number;
}

/** How a visitor differs from others. */
export interface VisitorOptions extends Partial<BrowserGuardOptions> {
  readonly key: string;
  /** Lifetime of its tokens. Default 5 minutes. */
  readonly expiresIn?: string;
}

/** One call of a traffic: whose, and when it was sent and answered, on the clock of `performance.now()`. */
export interface TrafficReport extends CallReport {
  readonly policy: string;
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** What pages and workers of the cases share. */
export function createSubject() {
  const calls: Promise<TrafficReport>[] = [];
  let answered = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  let stopped: Promise<readonly TrafficReport[]> | null = null;
  const subject = {
    /** Whose limit it is, and a guard that fetches tokens for exactly that. */
    visitor({ key, expiresIn = "5m", ...options }: VisitorOptions): Visitor {
      const asked: string[] = [];
      const answeredOf: string[] = [];
      const count = (paths: readonly string[], method: string) => paths.filter((path) => path.endsWith(method)).length;
      const guard = createGuard({
        endpoints: "/",
        token: async () => (await fetch(`/token?key=${encodeURIComponent(key)}&expiresIn=${expiresIn}`)).text(),
        onUnavailable: "throw",
        timeoutMs: 20_000,
        fetch: async (input, init) => {
          asked.push(String(input));
          const response = await fetch(input, init);
          if (response.ok) answeredOf.push(String(input));
          return response;
        },
        ...options,
      });
      return {
        guard,
        key,
        requests: (method = "") => count(asked, method),
        answers: (method) => count(answeredOf, method),
      };
    },

    /** The address of a worker's script, for pages whose policy wants to know that it was not made up. */
    script(path: string): string {
      type Policies = { createPolicy(name: string, rules: object): { createScriptURL(path: string): string } };
      const { trustedTypes } = globalThis as { trustedTypes?: Policies };
      const name = path.replaceAll(/\W/g, "-");
      const policy = trustedTypes?.createPolicy(name, { createScriptURL: (known: string) => known });
      return policy?.createScriptURL(path) ?? path;
    },

    /** Waits for a call, whatever becomes of it. */
    async report(call: Promise<unknown>): Promise<CallReport> {
      const startedMs = performance.now();
      try {
        const decision = (await call) as CallReport;
        const { allowed, remaining, retryAfterMs, source, degraded } = decision;
        const tookMs = performance.now() - startedMs;
        return { allowed, remaining, retryAfterMs, source, degraded, code: null, reason: null, message: null, tookMs };
      } catch (error) {
        const { code, message, details } = error as { code?: string; message?: string; details?: { reason?: string } };
        return {
          ...{ allowed: null, remaining: null, retryAfterMs: null, source: null, degraded: false },
          code: code ?? "no GuardError",
          reason: details?.reason ?? null,
          message: message ?? String(error),
          tookMs: performance.now() - startedMs,
        };
      }
    },

    /** `count` calls of one turn. */
    burst({ guard, key }: Visitor, policy: string, count: number): Promise<readonly CallReport[]> {
      return Promise.all(Array.from({ length: count }, () => subject.report(guard.allow(key, policy))));
    },

    /** One call every so often, under these policies in turn, until it is stopped. One per page. */
    startTraffic({ guard, key }: Visitor, policies: readonly string[], periodMs: number): void {
      const ask = async (policy: string): Promise<TrafficReport> => {
        const sentMs = performance.now();
        const report = await subject.report(guard.allow(key, policy));
        answered += 1;
        return { ...report, policy, sentMs, answeredMs: performance.now() };
      };
      timer = setInterval(() => calls.push(ask(policies[calls.length % policies.length]!)), periodMs);
    },

    /** Calls of the traffic that have ended. */
    answered: () => answered,

    /** Sends nothing more, and waits for every answer. */
    stopTraffic(): Promise<readonly TrafficReport[]> {
      clearInterval(timer);
      stopped ??= Promise.all(calls);
      return stopped;
    },
  };
  return subject;
}

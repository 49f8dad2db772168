/**
 * What a Node service writes against the published types: the whole surface once, and mistakes that must not compile.
 * Checked by each compiler in a project that has nothing but the packed packages; never run.
 */
import {
  createGuard,
  type Decision,
  type DenialReason,
  type Guard,
  GuardError,
  type GuardOptions,
  type Reservation,
  type Source,
} from "@quorumguard/sdk-node";

const options = {
  endpoints: ["127.0.0.1:7400"],
  onUnavailable: "throw",
  timeoutMs: 500,
  policies: {
    login: { limit: 5, window: "1m", algorithm: "token-bucket", burst: 10, onUnavailable: "deny" },
    upload: { limit: 3, window: 60_000, algorithm: "concurrency" },
  },
} as const satisfies GuardOptions<"login" | "upload">;

/** A guard's policies are its type: their names are checked where they are used. */
export const guard: Guard<"login" | "upload"> = createGuard(options);
/** Without policies any name is taken, since the cluster may define it. */
export const plain: Guard = createGuard();

/** A decision is told apart by `allowed`. */
export async function limit(key: string): Promise<{ status: number; retryAfterMs: number | null }> {
  const decision: Decision = await guard.allow(key, "login", { cost: 2, signal: new AbortController().signal });
  if (decision.allowed) {
    const none: null = decision.reason;
    return { status: none === null ? 200 : 500, retryAfterMs: decision.retryAfterMs satisfies 0 };
  }
  const reason: DenialReason = decision.reason;
  const status = { limited: 429, banned: 403, blocked: 403, unavailable: 503 } as const satisfies Record<
    DenialReason,
    number
  >;
  return { status: status[reason], retryAfterMs: decision.retryAfterMs };
}

/** Groups keep their shape; what a key may do is asked, held, given back and forgotten. */
export async function everyVerb(key: string): Promise<readonly Source[]> {
  await guard.ready({ timeoutMs: 1_000 });
  const inline = await guard.allow(key, 100, "1m", { algorithm: "token-bucket", burst: 20, requestId: "r" });
  const group = await guard.allowAll([
    { key, policy: "login" },
    { key, limit: 1_000, window: "1h", cost: 3 },
  ]);
  const [first, second] = group.decisions;
  const peeked = await guard.peek({ key, policy: "upload" });
  await guard.reset({ key, limit: 100, window: "1m" });
  await using slot: Reservation = await guard.reserve({ key, policy: "upload" }, { ttl: "30s" });
  if (slot.allowed) {
    const aborted: boolean = slot.signal.aborted;
    await (aborted ? slot.cancel() : slot.commit(1));
  }
  const stop: () => void = guard.on("recovered", ({ degradedForMs }) => void degradedForMs.toFixed());
  stop();
  return [inline, first, second, peeked].map(({ source }) => source);
}

/** Errors have a code of a known list. */
export function shouldRetry(error: unknown): boolean {
  if (!(error instanceof GuardError)) return false;
  // @ts-expect-error -- There is no such code.
  if (error.code === "out_of_cheese") return true;
  return error.code === "unavailable" || error.code === "timed_out";
}

/** Each of these is a mistake that users make; a compiler that accepts one reports the comment above it. */
export async function mistakes(key: string): Promise<void> {
  // @ts-expect-error -- A limit without its window.
  await guard.allow(key, 100);
  // @ts-expect-error -- A duration has a unit, and this is none.
  await guard.allow(key, 100, "1 minute");
  // @ts-expect-error -- A window is a duration, no object.
  await guard.allow(key, 100, { seconds: 60 });
  // @ts-expect-error -- No policy of that name was given.
  await guard.allow(key, "logn");
  // @ts-expect-error -- The key comes first.
  await guard.allow(5, key, "1m");
  // @ts-expect-error -- No such option.
  await guard.allow(key, "login", { timeout: 5 });
  // @ts-expect-error -- No policy of that name was given.
  await guard.peek({ key, policy: "signup" });
  // @ts-expect-error -- A rule needs its window.
  await guard.reserve({ key, limit: 5 });
  // @ts-expect-error -- A group's checks are checked as single ones are.
  await guard.allowAll([{ key, policy: "signup" }]);
  // @ts-expect-error -- What happens without a cluster is one of four words.
  createGuard({ onUnavailable: "open" });
  // @ts-expect-error -- A policy's window has a unit.
  createGuard({ policies: { login: { limit: 5, window: "one minute" } } });
  // @ts-expect-error -- A promise is no decision: the await is missing.
  if (guard.allow(key, "login").allowed) return;
}

await guard.close();

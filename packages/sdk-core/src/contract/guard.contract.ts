import type { Decision } from "../surface/guard.ts";
import {
  askUntilAllowed,
  check,
  exact,
  type GuardContractCase,
  type GuardContractContext,
  rejection,
  withGuard,
} from "./contract-case.ts";
import { holdsContract } from "./holds.contract.ts";

export type { GuardContractCase, GuardContractContext } from "./contract-case.ts";

const decisions: readonly GuardContractCase[] = [
  {
    name: "limits to exactly the limit, and says what is left",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        for (let remaining = 2; remaining >= 0; remaining--) {
          const decision = await guard.allow(`${prefix}:limit`, 3, "1h");
          check(decision.allowed && decision.remaining === remaining && !decision.degraded, "allowed:", decision);
        }
        const denied = await guard.allow(`${prefix}:limit`, 3, "1h");
        check(!denied.allowed && denied.reason === "limited" && denied.remaining === 0, "denied:", denied);
        check(denied.retryAfterMs !== null && denied.retryAfterMs > 0, "when to retry:", denied);
        check(denied.source === "leader" || denied.source === "quorum", "an exact source:", denied);
      }),
  },
  {
    name: "many calls at once never exceed the limit",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const calls = Array.from({ length: 60 }, () => guard.allow(`${prefix}:crowd`, 25, "1h"));
        const allowed = (await Promise.all(calls)).filter((decision) => decision.allowed).length;
        check(allowed === 25, "admitted of 25:", allowed);
      }),
  },
  {
    name: "two guards share one count",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), (one) =>
        withGuard(createGuard(exact), async (two) => {
          const first = await one.allow(`${prefix}:shared`, 1, "1h");
          const second = await two.allow(`${prefix}:shared`, 1, "1h");
          check(first.allowed && !second.allowed, "first, then not second:", first, second);
        }),
      ),
  },
  {
    name: "namespaces share no count, asked or peeked",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard({ ...exact, namespace: "tenant-1" }), (one) =>
        withGuard(createGuard({ ...exact, namespace: "tenant-2" }), async (two) => {
          const asked = { key: `${prefix}:tenants`, limit: 1, window: "1h" } as const;
          const first = await one.allow(asked.key, 1, "1h");
          const [own, other] = [await one.peek(asked), await two.peek(asked)];
          check(first.allowed && own.remaining === 0 && other.remaining === 1, "peeked:", own, other);
          const [again, second] = [await one.allow(asked.key, 1, "1h"), await two.allow(asked.key, 1, "1h")];
          check(!again.allowed && second.allowed, "asked:", again, second);
        }),
      ),
  },
  {
    name: "a cost takes that much, and one above the limit is denied for ever",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const four = await guard.allow(`${prefix}:cost`, 5, "1h", { cost: 4 });
        check(four.allowed && four.remaining === 1, "cost 4 of 5:", four);
        const two = await guard.allow(`${prefix}:cost`, 5, "1h", { cost: 2 });
        check(!two.allowed, "cost 2 of 1 left:", two);
        const six = await guard.allow(`${prefix}:cost`, 5, "1h", { cost: 6 });
        check(!six.allowed && six.retryAfterMs === null, "cost 6 of 5:", six);
      }),
  },
  {
    name: "limit 0 is always denied",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const decision = await guard.allow(`${prefix}:zero`, 0, "1h");
        check(!decision.allowed && decision.retryAfterMs === null, "limit 0:", decision);
      }),
  },
  {
    name: "a window passes: the key is free again",
    run: ({ createGuard, prefix, sleep }) =>
      withGuard(createGuard(exact), async (guard) => {
        const first = await guard.allow(`${prefix}:window`, 1, "400ms");
        check(first.allowed, "first:", first);
        // A slow runtime may need longer than the window for two calls; then there is nothing to wait for.
        const second = await askUntilAllowed(() => guard.allow(`${prefix}:window`, 1, "400ms"), sleep);
        check(second.allowed, "after the window:", second);
      }),
  },
  {
    name: "a token bucket admits its burst at once",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const options = { algorithm: "token-bucket", burst: 2 } as const;
        const seen: Decision[] = [];
        for (let i = 0; i < 3; i++) seen.push(await guard.allow(`${prefix}:bucket`, 10, "1h", options));
        check(seen.map(({ allowed }) => allowed).join() === "true,true,false", "burst 2:", seen);
      }),
  },
  {
    name: "a policy is known by its name",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard({ ...exact, policies: { login: { limit: 1, window: "1h" } } }), async (guard) => {
        const first = await guard.allow(`${prefix}:policy`, "login");
        const second = await guard.allow(`${prefix}:policy`, "login");
        check(first.allowed && first.policy === "login" && first.limit === 1, "first:", first);
        check(!second.allowed && second.policy === "login", "second:", second);
      }),
  },
  {
    name: "a policy that neither guard nor cluster define is an error that names it",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const asked = [guard.allow(prefix, "nobody"), guard.peek({ key: prefix, policy: "nobody" })];
        for (const error of await Promise.all(asked.map(rejection))) {
          check(error.code === "unknown_policy" && /^policy: "nobody"/.test(error.message), error.code, error.message);
        }
      }),
  },
  {
    name: "keys of any script and length are kept apart",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const keys = ["ключ", "鍵", "🔑", "k".repeat(512 - prefix.length - 1)].map((key) =>
          `${prefix}:${key}`.slice(0, 512),
        );
        for (const key of keys) {
          const decision = await guard.allow(key, 1, "1h");
          check(decision.allowed && decision.remaining === 0, "its own count:", key, decision);
        }
      }),
  },
];

const groups: readonly GuardContractCase[] = [
  {
    name: "a group is admitted together or not at all",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const user = { key: `${prefix}:user`, limit: 1, window: "1h" } as const;
        const org = { key: `${prefix}:org`, limit: 3, window: "1h" } as const;
        const first = await guard.allowAll([user, org]);
        check(first.allowed && first.decisions.length === 2, "first:", first);
        const second = await guard.allowAll([user, org]);
        check(!second.allowed && !second.decisions[0].allowed, "second:", second);
        const left = await guard.peek(org);
        check(left.remaining === 2, "a denied group charges nothing:", left);
      }),
  },
  {
    name: "a key that a group repeats counts cumulatively",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const twice = { key: `${prefix}:twice`, limit: 1, window: "1h" } as const;
        const group = await guard.allowAll([twice, twice]);
        check(!group.allowed, "1 + 1 of 1:", group);
      }),
  },
  {
    name: "peek charges nothing",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const question = { key: `${prefix}:peek`, limit: 1, window: "1h" } as const;
        for (let i = 0; i < 3; i++) check((await guard.peek(question)).allowed, "peek", i);
        check((await guard.allow(question.key, 1, "1h")).allowed, "the one admission is still there");
        check(!(await guard.peek(question)).allowed, "and then gone");
      }),
  },
  {
    name: "a reset empties the counter, used or not, and no other",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const emptied = { key: `${prefix}:reset`, limit: 1, window: "1h" } as const;
        const other = { ...emptied, window: "2h" } as const;
        await guard.reset(emptied);
        for (const { key, limit, window } of [emptied, other]) {
          check((await guard.allow(key, limit, window)).allowed, "the first of", window);
        }
        await guard.reset(emptied);
        check((await guard.allow(emptied.key, 1, "1h")).allowed, "the first after the reset");
        check(!(await guard.allow(emptied.key, 1, "1h")).allowed, "and no second");
        check(!(await guard.allow(other.key, 1, "2h")).allowed, "nor another in the other window");
      }),
  },
  {
    name: "the same request id counts once, from any guard; for another call it is an error",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), (one) =>
        withGuard(createGuard(exact), async (two) => {
          const requestId = `${prefix}:request`;
          const first = await one.allow(`${prefix}:once`, 1, "1h", { requestId });
          const again = await two.allow(`${prefix}:once`, 1, "1h", { requestId });
          check(first.allowed && again.allowed, "the first answer twice:", first, again);
          const error = await rejection(two.allow(`${prefix}:other`, 1, "1h", { requestId }));
          check(error.code === "request_id_reused", "for another call:", error.code);
        }),
      ),
  },
  {
    name: "who waits is admitted when there is room, in the order in which they came",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const asked = { key: `${prefix}:wait`, limit: 1, window: "100ms" } as const;
        const order: number[] = [];
        const waiting = [0, 1, 2].map((at) =>
          guard.wait(asked, { timeoutMs: 20_000 }).then((decision) => {
            order.push(at);
            return decision;
          }),
        );
        const decisions = await Promise.all(waiting);
        check(
          decisions.every(({ allowed, degraded }) => allowed && !degraded),
          "all admitted:",
          decisions,
        );
        check(order.join() === "0,1,2", "in order:", order);
      }),
  },
  {
    name: "a wait that is in vain is denied at once, and one without an end is refused",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const asked = { key: `${prefix}:vain`, limit: 1, window: "1h" } as const;
        check((await guard.wait(asked, { timeoutMs: 20_000 })).allowed, "the first");
        const denied = await guard.wait(asked, { timeoutMs: 20_000 });
        check(!denied.allowed && (denied.retryAfterMs ?? 0) > 3_000_000, "the second:", denied);
        const error = await rejection(guard.wait(asked, {} as { timeoutMs: number }));
        check(error.code === "invalid_argument" && /needs an end/.test(error.message), error.message);
      }),
  },
];

const failures: readonly GuardContractCase[] = [
  {
    name: "bad arguments are refused with field, value and bound",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const wrong: [Promise<unknown>, RegExp][] = [
          [guard.allow("", 1, "1h"), /^key: "" is empty/],
          [guard.allow("k".repeat(513), 1, "1h"), /^key: .*513 bytes/],
          [guard.allow(prefix, -1, "1h"), /^limit: -1.*2147483647/],
          [guard.allow(prefix, 1.5, "1h"), /^limit: 1.5/],
          [guard.allow(prefix, 2 ** 31, "1h"), /^limit: 2147483648/],
          [guard.allow(prefix, 1, 60), /^window: 60 .*"60s"/],
          [guard.allow(prefix, 1, "401d"), /^window: "401d"/],
          [guard.allow(prefix, 1, "1h", { cost: 0 }), /^cost: 0/],
          [guard.allowAll([]), /^checks: it is an empty list/],
        ];
        for (const [promise, message] of wrong) {
          const error = await rejection(promise);
          check(error.code === "invalid_argument" && message.test(error.message), "message:", error.message);
        }
      }),
  },
  {
    name: "nobody there: each of the four answers says so",
    run: async ({ createGuard, deadEndpoint, prefix }) => {
      const dead = { endpoints: deadEndpoint, timeoutMs: 300 };
      await withGuard(createGuard(dead), async (guard) => {
        const local = await guard.allow(prefix, 1, "1h");
        check(local.allowed && local.source === "local" && local.degraded, "local:", local);
        const denied = await guard.allow(prefix, 1, "1h");
        check(!denied.allowed && denied.source === "local" && denied.degraded, "local, full:", denied);
        const open = await guard.allow(prefix, 1, "1h", { onUnavailable: "allow" });
        check(open.allowed && open.source === "fail-open" && open.degraded, "allow:", open);
        const closed = await guard.allow(prefix, 1, "1h", { onUnavailable: "deny" });
        check(!closed.allowed && closed.reason === "unavailable" && closed.source === "fail-closed", "deny:", closed);
        const error = await rejection(guard.allow(prefix, 1, "1h", { onUnavailable: "throw" }));
        check(error.code === "unavailable" || error.code === "timed_out", "throw:", error.code);
      });
    },
  },
  {
    name: "one dead endpoint among live ones costs no decision",
    run: ({ createGuard, deadEndpoint, prefix }) => {
      // The context's guard knows the cluster; it is asked for its endpoints through the topology it hears of.
      const guard = createGuard(exact);
      return withGuard(guard, async () => {
        const endpoints: string[] = [];
        guard.on("topology", (event) => {
          if (event.type === "topology") endpoints.push(...event.endpoints);
        });
        await guard.ready();
        await guard.allow(`${prefix}:heard`, 1, "1h");
        check(endpoints.length > 0, "the topology was told");
        await withGuard(createGuard({ ...exact, endpoints: [deadEndpoint, ...new Set(endpoints)] }), async (other) => {
          for (let i = 0; i < 3; i++) check((await other.allow(`${prefix}:dead`, 3, "1h")).allowed, "allowed", i);
        });
      });
    },
  },
  {
    name: "an aborted call rejects with its reason",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const listeners = new Set<() => void>();
        const signal = {
          aborted: true,
          reason: "changed my mind",
          addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
          removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
        };
        const error = await rejection(guard.allow(prefix, 1, "1h", { signal }));
        check(
          error.code === "aborted" && error.applied === "no" && error.cause === "changed my mind",
          "aborted:",
          error.code,
        );
      }),
  },
  {
    name: "ready resolves on a live cluster, and a closed guard says that it is closed",
    run: async ({ createGuard, prefix }) => {
      const guard = createGuard(exact);
      await guard.ready();
      await guard.close();
      const error = await rejection(guard.allow(prefix, 1, "1h"));
      check(error.code === "closed", "after close:", error.code);
    },
  },
];

/** Every promise of a guard that can be checked from outside, whatever the transport and the runtime. */
export const guardContract: readonly GuardContractCase[] = [...decisions, ...groups, ...holdsContract, ...failures];

/** What one run of the suite came to. */
export interface GuardContractReport {
  readonly runtime: string;
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
}

/** Runs the whole suite; never rejects. */
export async function runGuardContract(runtime: string, context: GuardContractContext): Promise<GuardContractReport> {
  const failed: { readonly name: string; readonly message: string }[] = [];
  for (const [at, { name, run }] of guardContract.entries()) {
    try {
      await run({ ...context, prefix: `${context.prefix}:${at}` });
    } catch (error) {
      failed.push({ name, message: error instanceof Error ? error.message : String(error) });
    }
  }
  const cases = guardContract.length;
  return { runtime, cases, passed: cases - failed.length, failed: failed.length, skipped: 0, failures: failed };
}

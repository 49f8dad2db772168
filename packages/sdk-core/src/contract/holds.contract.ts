import type { Allowed, Hold, Reservation } from "../surface/guard.ts";
import { askUntilAllowed, check, exact, type GuardContractCase, rejection, withGuard } from "./contract-case.ts";

function held(reservation: Reservation): Allowed & Hold {
  check(reservation.allowed, "denied:", reservation);
  return reservation;
}

/** What a guard promises of reservations and slots. */
export const holdsContract: readonly GuardContractCase[] = [
  {
    name: "a reservation withholds its cost, and its commit charges what the work came to",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const tokens = { key: `${prefix}:tokens`, limit: 100, window: "1h", cost: 60 } as const;
        const first = held(await guard.reserve(tokens, { ttl: "1m" }));
        check(first.remaining === 40 && first.source === "quorum" && !first.signal.aborted, "60 of 100:", first);
        const second = await guard.reserve(tokens);
        check(!second.allowed && second.reason === "limited", "60 of the 40 that are left:", second);
        await second[Symbol.asyncDispose]();
        await first.commit(10);
        check((await guard.peek(tokens)).remaining === 90, "after a commit of 10");
        await first.commit(10);
        await first[Symbol.asyncDispose]();
        check((await guard.peek(tokens)).remaining === 90, "and no second time");
      }),
  },
  {
    name: "a bucket withholds too, and gives back",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const rule = { limit: 10, window: "1h", algorithm: "token-bucket" } as const;
        const bucket = { key: `${prefix}:held`, ...rule, cost: 10 } as const;
        const all = held(await guard.reserve(bucket));
        check(!(await guard.reserve(bucket)).allowed, "nothing is left");
        await all.commit(3);
        check((await guard.peek(bucket)).remaining === 7, "after a commit of 3");
      }),
  },
  {
    name: "a reservation is given back by cancel and by its disposal, and cannot be committed then",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const all = { key: `${prefix}:back`, limit: 5, window: "1h", cost: 5 } as const;
        const first = held(await guard.reserve(all));
        await first.cancel();
        await first.cancel();
        const second = held(await guard.reserve(all));
        await second[Symbol.asyncDispose]();
        check((await guard.peek(all)).remaining === 5, "all is back");
        const error = await rejection(second.commit());
        check(error.code === "not_held" && /was cancelled/.test(error.message), "a commit:", error.code, error.message);
      }),
  },
  {
    name: "a commit above what was reserved is charged without asking",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const little = { key: `${prefix}:debt`, limit: 100, window: "1h", cost: 10 } as const;
        await held(await guard.reserve(little)).commit(150);
        const denied = await guard.reserve({ ...little, cost: 1 });
        check(!denied.allowed && denied.remaining === 0, "after 150 of 100:", denied);
      }),
  },
  {
    name: "slots of concurrency are occupied until they are given back, whoever asks",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), (one) =>
        withGuard(createGuard(exact), async (two) => {
          const slot = { key: `${prefix}:slots`, limit: 2, window: "10m", algorithm: "concurrency" } as const;
          const first = held(await one.reserve(slot));
          held(await two.reserve(slot));
          check(!(await one.reserve(slot)).allowed && !(await two.reserve(slot)).allowed, "no third");
          await first.commit();
          check((await two.peek(slot)).remaining === 1, "one is free");
          held(await two.reserve(slot));
          const error = await rejection(two.allow(slot.key, 2, "10m", { algorithm: "concurrency" as never }));
          check(error.code === "needs_reservation" && /guard\.reserve/.test(error.message), "allow:", error.message);
        }),
      ),
  },
  {
    name: "a slot that nobody gives back is free when its time is over, of which its signal has warned",
    run: ({ createGuard, prefix, sleep }) =>
      withGuard(createGuard(exact), async (guard) => {
        const slot = { key: `${prefix}:expiring`, limit: 1, window: "10m", algorithm: "concurrency" } as const;
        const reservation = held(await guard.reserve(slot, { ttl: "1s" }));
        const { signal } = reservation;
        const early = signal.aborted;
        for (let left = 50; left > 0 && !signal.aborted; left--) await sleep(100);
        check(!early && signal.aborted, "the signal, before and after:", early, signal.aborted);
        held(await askUntilAllowed(() => guard.reserve(slot), sleep));
        const error = await rejection(reservation.commit());
        check(error.code === "not_held", "a commit:", error.code);
      }),
  },
  {
    name: "a reset keeps what is held",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), async (guard) => {
        const rule = { key: `${prefix}:kept`, limit: 3, window: "1h" } as const;
        const reservation = held(await guard.reserve(rule));
        check((await guard.allow(rule.key, 3, "1h")).allowed, "one beside it");
        await guard.reset(rule);
        check((await guard.peek(rule)).remaining === 2, "of 3");
        await reservation.cancel();
        check((await guard.peek(rule)).remaining === 3, "and all when it is given back");
      }),
  },
  {
    name: "the same request id reserves once, from any guard, and either settles it",
    run: ({ createGuard, prefix }) =>
      withGuard(createGuard(exact), (one) =>
        withGuard(createGuard(exact), async (two) => {
          const job = { key: `${prefix}:job`, limit: 10, window: "1h", cost: 4 } as const;
          const requestId = `${prefix}:reserve`;
          held(await one.reserve(job, { requestId, ttl: "1m" }));
          const again = held(await two.reserve(job, { requestId, ttl: "1m" }));
          check(!again.signal.aborted, "its time is not over");
          await again.commit(2);
          check((await one.peek(job)).remaining === 8, "2 of 10");
        }),
      ),
  },
  {
    name: "nobody there: a reservation is this process's own, or none",
    run: ({ createGuard, deadEndpoint, prefix }) =>
      withGuard(createGuard({ endpoints: deadEndpoint, timeoutMs: 300 }), async (guard) => {
        const all = { key: prefix, limit: 5, window: "1h", cost: 5 } as const;
        const local = held(await guard.reserve(all));
        check(local.source === "local" && local.degraded, "local:", local);
        check(!(await guard.reserve(all)).allowed, "nothing is left here");
        await local.commit(2);
        check((await guard.allow(prefix, 5, "1h", { cost: 3 })).allowed, "what the commit gave back");
        const open = held(await guard.reserve(all, { onUnavailable: "allow" }));
        check(open.source === "fail-open", "allow:", open);
        await open.commit(7);
        const closed = await guard.reserve(all, { onUnavailable: "deny" });
        check(!closed.allowed && closed.source === "fail-closed", "deny:", closed);
      }),
  },
];

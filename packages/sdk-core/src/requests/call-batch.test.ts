import { create, toBinary } from "@bufbuild/protobuf";
import { Applied, ErrorDetailSchema, ErrorReason } from "@quorumguard/proto";
import { expect, test } from "vitest";
import { AbortController } from "../testing/abort-controller.ts";
import { denied, PageScene } from "../testing/page-scene.ts";
import { TransportError, type UnaryCall } from "../transport.ts";

/** A request that never ends by itself. */
const never = () => new Promise<Uint8Array>(() => {});
const OVERLOADED = 22;

test("calls of one turn travel in one request, and each gets its own answer", async () => {
  const at = new PageScene();
  at.cluster.decides = (key) => (key === "b" ? denied(700) : { remaining: key === "a" ? 3 : 1 });
  const calls = ["a", "b", "c"].map((key) => at.guard.allow(key, "login"));
  expect(await at.ended(Promise.all(calls))).toMatchObject([
    { allowed: true, remaining: 3 },
    { allowed: false, retryAfterMs: 700 },
    { allowed: true, remaining: 1 },
  ]);
  expect(at.batches).toEqual([["a", "b", "c"]]);
  const ids = at.cluster.batches[0]!.calls.map(({ requestId }) => requestId);
  expect(new Set(ids).size).toBe(3);
  expect(at.cluster.batches[0]!.firstAttempt).toBe(true);
});

test("64 of them at most; and one with an id of its caller's travels alone, since a token may be for it", async () => {
  const at = new PageScene();
  const calls = Array.from({ length: 70 }, (_, call) => at.guard.allow(`k${call}`, "login"));
  calls.push(at.guard.allow("once", "login", { requestId: "order:1" }));
  await at.ended(Promise.all(calls));
  expect(at.batches.map(({ length }) => length).toSorted((one, other) => one - other)).toEqual([1, 6, 64]);
});

test("a lost answer is asked for again, in the same company and under the same ids", async () => {
  const at = new PageScene();
  let lost = 0;
  at.intercept = () => (lost++ === 0 ? Promise.reject(new TransportError("unknown", "reset")) : null);
  const calls = Promise.all([at.guard.allow("a", "login"), at.guard.allow("b", "login")]);
  await at.runtime.pass(200);
  expect(await calls).toMatchObject([{ allowed: true }, { allowed: true }]);
  const [first, second] = at.cluster.batches;
  expect(second!.calls).toEqual(first!.calls);
  expect(second!.firstAttempt).toBe(false);
});

test("only what is not decided is asked for again", async () => {
  const at = new PageScene();
  at.cluster.decides = (key) => (key === "b" && at.cluster.batches.length === 1 ? { outcome: OVERLOADED } : {});
  const calls = Promise.all(["a", "b", "c"].map((key) => at.guard.allow(key, "login")));
  await at.runtime.pass(200);
  expect(await calls).toMatchObject([{ allowed: true }, { allowed: true }, { allowed: true }]);
  expect(at.batches).toEqual([["a", "b", "c"], ["b"]]);
});

test("a refusal of the request is one call's: the others are asked for by themselves, under the ids that they have", async () => {
  const at = new PageScene();
  const detail = toBinary(
    ErrorDetailSchema,
    create(ErrorDetailSchema, { reason: ErrorReason.KEY_FORBIDDEN, applied: Applied.NO, message: "not this key" }),
  );
  at.intercept = () =>
    at.batches.at(-1)!.includes("other") ? Promise.reject(new TransportError("rejected", "no", { detail })) : null;
  const mine = at.guard.allow("mine", "login");
  const other = at.guard.allow("other", "login");
  expect(await at.ended(other)).toMatchObject({ code: "permission_denied" });
  expect(await at.ended(mine)).toMatchObject({ allowed: true });
  expect(at.batches).toEqual([["mine", "other"], ["mine"], ["other"]]);
  const [both, alone] = at.cluster.batches;
  expect(alone!.calls[0]!.requestId).toBe(both!.calls[0]!.requestId);
});

test("who gives up leaves the others, and the last one ends the request", async () => {
  const at = new PageScene();
  const seen: UnaryCall[] = [];
  at.intercept = (call) => {
    seen.push(call);
    return never();
  };
  const [one, other] = [new AbortController(), new AbortController()];
  const first = at.ended(at.guard.allow("a", "login", { signal: one.signal }));
  const second = at.ended(at.guard.allow("b", "login", { signal: other.signal }));
  await at.runtime.settle();
  one.abort();
  expect(await first).toMatchObject({ code: "aborted", applied: "unknown" });
  expect(seen[0]!.signal!.aborted).toBe(false);
  other.abort();
  expect(await second).toMatchObject({ code: "aborted" });
  expect(seen[0]!.signal!.aborted).toBe(true);
});

test("one whose deadline is shorter ends at its own, and the others go on", async () => {
  const at = new PageScene();
  let answer = () => {};
  at.intercept = (call) =>
    new Promise((resolve) => {
      answer = () => resolve(at.cluster.defaultUnary(call));
    });
  at.cluster.decides = (key) => ({ remaining: key === "b" ? 2 : 0 });
  const short = at.ended(at.guard.allow("a", "login", { timeoutMs: 50 }));
  const long = at.ended(at.guard.allow("b", "login", { timeoutMs: 2_000 }));
  await at.runtime.pass(60);
  expect(await short).toMatchObject({ code: "timed_out", applied: "unknown" });
  answer();
  expect(await long).toMatchObject({ allowed: true, remaining: 2 });
  expect(at.batches).toEqual([["a", "b"]]);
});

test("closing ends the requests", async () => {
  const at = new PageScene();
  const seen: UnaryCall[] = [];
  at.intercept = (call) => {
    seen.push(call);
    return never();
  };
  const call = at.ended(at.guard.allow("a", "login"));
  await at.runtime.settle();
  await at.guard.close();
  expect(await call).toMatchObject({ code: "closed" });
  expect(seen[0]!.signal!.aborted).toBe(true);
});

import {
  Algorithm,
  type Applied,
  type CallOrigin,
  createEntryWriter,
  createLimiter,
  type EntryWriter,
  readAdminRequest,
  singleCall,
  Verb,
} from "@quorumguard/limiter";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { EarlyPlatform } from "../../../sdk-core/src/testing/early-platform.ts";
import { ManualClock } from "./manual-clock.fixture.ts";
import {
  type Forgotten,
  forgetBounds,
  forgetPauseMs,
  type NamespaceListener,
  NamespaceWatch,
} from "./namespace-watch.ts";
import { createSystemClock } from "./system-clock.ts";

const startUs = 1_763_000_000_000_000;
const second = 1_000_000;
const rule = { algorithm: Algorithm.slidingWindowLog, limit: 5, windowUs: 60 * second, burst: 0, policy: "" };
const api = { name: "api", algorithm: "sliding-window-log", limit: 3, windowMs: 60_000 } as const;

let clock: ManualClock;
let limiter: ReturnType<typeof createLimiter>;
let watch: NamespaceWatch;
let told: string[];

const text = (key: Uint8Array) => new TextDecoder().decode(key);
const line = ({ index, policyVersion, keys }: Forgotten) =>
  `${index} v${policyVersion} ${keys === null ? "all" : keys.map(({ key }) => text(key)).join(",")}`;

function listener(name = ""): NamespaceListener {
  return {
    forget: (what) => void told.push(`${name}${line(what)}`),
    clients: (count) => void told.push(`${name}${count} clients`),
  };
}

/** One entry, applied as a node does. */
function apply(write: (writer: EntryWriter) => void = () => {}, stampUs = startUs): Applied {
  const writer = createEntryWriter();
  writer.begin({ takeover: false });
  write(writer);
  const applied = limiter.apply(limiter.appliedIndex + 1, writer.finish(stampUs));
  watch.applied(applied);
  return applied;
}

function reset(writer: EntryWriter, key: string, namespace = "n"): void {
  const origin: CallOrigin = { kind: "anonymous", namespace };
  const batch = { ...singleCall(rule, new TextEncoder().encode(key)), verbs: Uint8Array.of(Verb.reset) };
  writer.calls(origin, batch, 0, 1);
}

const resets = (...keys: readonly string[]) =>
  apply((writer) => {
    for (const key of keys) reset(writer, key);
  });
const change = (request: object) => apply((writer) => void writer.administer(readAdminRequest(request)));

beforeEach(() => {
  clock = new ManualClock();
  limiter = createLimiter();
  watch = new NamespaceWatch(clock, () => limiter);
  told = [];
  watch.listen("n", listener());
});

describe("a namespace's listeners are told to forget", () => {
  test("keys that were reset, at once, and nothing of other calls or namespaces", () => {
    apply((writer) => writer.calls({ kind: "anonymous", namespace: "n" }, singleCall(rule, Uint8Array.of(1)), 0, 1));
    apply((writer) => reset(writer, "a", "m"));
    resets("b", "c");
    expect(told).toEqual(["3 v0 b,c"]);
  });

  test("what is reset soon after that together, when the pause is over", () => {
    resets("a");
    resets("b");
    clock.advance(forgetPauseMs.least - 1);
    resets("c");
    expect(told).toEqual(["1 v0 a"]);
    clock.advance(1);
    expect(told).toEqual(["1 v0 a", "3 v0 b,c"]);
    resets("d");
    clock.advance(forgetPauseMs.least);
    clock.advance(forgetPauseMs.least);
    resets("e");
    expect(told.slice(2)).toEqual(["4 v0 d", "5 v0 e"]);
  });

  test("what is reset soon after that, also by a machine whose timers fire early", () => {
    const platform = new EarlyPlatform(0.9);
    try {
      watch = new NamespaceWatch(createSystemClock(), () => limiter);
      watch.listen("n", listener());
      resets("a");
      platform.pass(5);
      resets("b");
      platform.pass(forgetPauseMs.least);
      expect(platform.early).toBe(1);
      expect(told).toEqual(["1 v0 a", "2 v0 b"]);
    } finally {
      vi.unstubAllGlobals();
      vi.restoreAllMocks();
    }
  });

  test.each([
    ["too many keys", Array.from({ length: forgetBounds.keys + 1 }, (_, i) => `k${i}`)],
    ["keys that are too long together", Array.from({ length: 33 }, (_, i) => `${i}`.padStart(500, "k"))],
  ])("everything, after %s", (_name, keys) => {
    resets(...keys.slice(1));
    clock.advance(forgetPauseMs.least);
    resets(...keys);
    expect(told[0]).not.toContain("all");
    expect(told[1]).toBe("2 v0 all");
  });

  test("everything, when the policies change in any way, a lifted ban included; a change of nothing is none", () => {
    const ban = { denials: 1, windowMs: 1_000, durationsMs: [60_000], forgetAfterMs: 60_000 };
    const put = { namespace: "n", change: { kind: "putPolicies", policies: [{ ...api, limit: 0, ban }] } };
    change(put);
    change({ ...put, namespace: "m" });
    clock.advance(forgetPauseMs.least);
    change(put);
    expect(told).toEqual(["1 v1 all"]);
    const origin: CallOrigin = { kind: "anonymous", namespace: "n" };
    const batch = singleCall({ ...rule, policy: "api" }, new TextEncoder().encode("k"));
    expect(apply((writer) => void writer.calls(origin, batch, 0, 1)).results.outcomes[0]).toBe(3);
    change({ namespace: "n", change: { kind: "liftBan", policy: "api", key: "k" } });
    change({
      namespace: "n",
      change: { kind: "putListEntries", entries: [{ list: "allow", match: "key", value: "k" }] },
    });
    clock.advance(forgetPauseMs.least);
    expect(told.slice(1)).toEqual(["5 v2 all", "6 v3 all"]);
  });

  test("everything, when the state is another one: what it skipped is not known", () => {
    for (let i = 0; i < 4; i++) apply();
    watch.replaced();
    expect(told).toEqual(["4 v0 all"]);
  });

  test("until they end; who comes later is not told what was applied before", () => {
    const end = watch.listen("m", listener("m "));
    apply((writer) => reset(writer, "a", "m"));
    end();
    apply((writer) => reset(writer, "b", "m"));
    clock.advance(forgetPauseMs.least);
    watch.listen("m", listener("late "));
    apply((writer) => reset(writer, "c", "m"));
    expect(told).toEqual(["m 1 v0 a", "late 3 v0 c"]);
  });

  test("less often the more they are, so that a node does not spend itself on telling", () => {
    for (let i = 1; i < 500; i++) watch.listen("n", { forget: () => {}, clients: () => {} });
    resets("a");
    resets("b");
    clock.advance(500 * forgetPauseMs.perListener - 1);
    expect(told).toHaveLength(1);
    clock.advance(1);
    expect(told).toEqual(["1 v0 a", "2 v0 b"]);
  });
});

describe("U1 a namespace's listeners are told how many share its limits", () => {
  const register = (nonce: number, namespace = "n") =>
    apply((writer) => void writer.register(new Uint8Array(16).fill(nonce), startUs, namespace));

  test("when that has changed, once a second at most", () => {
    watch.ticked();
    register(1);
    register(2);
    register(3, "m");
    watch.ticked();
    expect(told).toEqual([]);
    clock.advance(1_000);
    watch.ticked();
    clock.advance(1_000);
    watch.ticked();
    expect(told).toEqual(["2 clients"]);
    apply(() => {}, startUs + 60 * second + 1);
    clock.advance(1_000);
    watch.ticked();
    expect(told).toEqual(["2 clients", "0 clients"]);
  });
});

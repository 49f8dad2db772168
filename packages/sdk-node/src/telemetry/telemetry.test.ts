import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { metrics, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createLocalAnswerCounts, type Decision, GuardError, type ObservedCall } from "@quorumguard/sdk-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { channelObserver } from "./channels.ts";
import { combineObservers } from "./combine-observers.ts";
import { debugObserver } from "./debug-log.ts";
import { openTelemetryObserver } from "./opentelemetry.ts";

const asked: ObservedCall = { verb: "take", key: "alice@example.com", policy: "login", checks: 1, timeoutMs: 1_000 };
const facts = { policy: "login", limit: 5, resetAfterMs: 1, degraded: false, shadow: null } as const;
const allowed: Decision = { ...facts, allowed: true, reason: null, retryAfterMs: 0, remaining: 4, source: "quorum" };
const denied: Decision = {
  ...facts,
  ...{ allowed: false, reason: "limited", retryAfterMs: 9, remaining: 0, source: "leader" },
};

test("without an SDK no call is followed", () => {
  expect(openTelemetryObserver("1").callStarted!(asked)).toBeNull();
});

describe("OpenTelemetry", () => {
  const spans = new InMemorySpanExporter();
  const exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 2 ** 30 });
  beforeAll(() => {
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
    );
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  });
  afterEach(() => spans.reset());
  afterAll(async () => {
    await reader.shutdown();
    trace.disable();
    metrics.disable();
  });

  async function pointsOf(name: string): Promise<Record<string, unknown>> {
    exported.reset();
    await reader.forceFlush();
    const all = exported.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const points = all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
    return Object.fromEntries(points.map(({ attributes, value }) => [Object.values(attributes).join(" "), value]));
  }

  test("a call is a span with its attempts, and its key is nowhere in it", () => {
    const call = openTelemetryObserver("1").callStarted!(asked)!;
    call.sent!("n1:7400", 1, 7);
    call.attemptFailed!("the leader changed", "unknown");
    call.sent!("n2:7400", 2, 7);
    call.decided!([allowed, denied]);
    const [span] = spans.getFinishedSpans();
    expect(span!.name).toBe("quorumguard take");
    expect(span!.attributes).toMatchObject({
      "quorumguard.policy": "login",
      "quorumguard.outcome": "limited",
      "quorumguard.source": "leader",
    });
    expect(span!.events.map(({ name, attributes }) => [name, ...Object.values(attributes ?? {})])).toEqual([
      ["sent", "n1:7400", 1],
      ["attempt failed", "the leader changed", "unknown"],
      ["sent", "n2:7400", 2],
    ]);
    expect(JSON.stringify([span!.name, span!.attributes, span!.events])).not.toContain("alice");
  });

  test("an error is the span's status", () => {
    openTelemetryObserver("1").callStarted!(asked)!.failed!(new GuardError("timed_out", "no answer within 1000 ms"));
    const [span] = spans.getFinishedSpans();
    expect(span!.status).toEqual({ code: SpanStatusCode.ERROR, message: "no answer within 1000 ms" });
    expect(span!.attributes["error.type"]).toBe("timed_out");
  });

  test("decisions are counted by outcome, source and policy; settling and leasing are none", async () => {
    const observer = openTelemetryObserver("1");
    const before = await pointsOf("quorumguard.client.decisions");
    observer.callStarted!(asked)!.decided!([allowed]);
    observer.callStarted!(asked)!.decided!([{ ...denied, policy: null }]);
    for (const verb of ["commit", "grant"] as const) observer.callStarted!({ ...asked, verb })!.decided!([allowed]);
    const after = await pointsOf("quorumguard.client.decisions");
    const grown = Object.entries(after).filter(([name, count]) => count !== before[name]);
    expect(grown.map(([name, count]) => [name, (count as number) - ((before[name] as number) ?? 0)])).toEqual([
      ["allowed quorum login", 1],
      ["limited leader", 1],
    ]);
  });

  test("leases and remembered denials of all guards add up, also of one that is closed", async () => {
    const [one, two] = [openTelemetryObserver("1"), openTelemetryObserver("1")];
    const counts = [createLocalAnswerCounts(), createLocalAnswerCounts()];
    one.localAnswers!(counts[0]!);
    two.localAnswers!(counts[1]!);
    Object.assign(counts[0]!, { unitsGranted: 10, unitsSpent: 7, admissionsServed: 7, denialsServed: 6 });
    Object.assign(counts[0]!, { bansServed: 2, blocksServed: 1 });
    Object.assign(counts[1]!, { unitsGranted: 5, unitsExpired: 5 });
    const units = { granted: 15, spent: 7, returned: 0, expired: 5 };
    expect(await pointsOf("quorumguard.client.lease.units")).toEqual(units);
    one.closed!();
    expect(await pointsOf("quorumguard.client.lease.units")).toEqual(units);
    const decisions = await pointsOf("quorumguard.client.decisions");
    expect(decisions).toMatchObject({ "allowed lease": 7, "limited denial-cache": 3 });
    expect(decisions).toMatchObject({ "banned denial-cache": 2, "blocked denial-cache": 1 });
    two.closed!();
  });

  test("guards are counted by the state of their breaker until they are closed", async () => {
    const before = await pointsOf("quorumguard.client.breakers");
    const guard = openTelemetryObserver("1");
    guard.breakerChanged!("open");
    expect(await pointsOf("quorumguard.client.breakers")).toEqual({ ...before, open: (before.open as number) + 1 });
    guard.closed!();
    expect(await pointsOf("quorumguard.client.breakers")).toEqual(before);
  });
});

describe("diagnostics channels", () => {
  test("nobody listens: a call is not followed", () => {
    expect(channelObserver.callStarted!(asked)).toBeNull();
  });

  test("a subscriber is told of a call's attempts and its end, with one object for the call", () => {
    const heard: [string, { call: ObservedCall }][] = [];
    const listener = (message: unknown, name: string | symbol) =>
      void heard.push([String(name).slice("quorumguard.call.".length), message as { call: ObservedCall }]);
    const names = ["started", "sent", "attempt-failed", "decided", "failed"].map((name) => `quorumguard.call.${name}`);
    for (const name of names) subscribe(name, listener);
    try {
      const call = channelObserver.callStarted!(asked)!;
      call.sent!("n1:7400", 1, 7);
      call.attemptFailed!("reset", "unknown");
      call.decided!([allowed]);
      channelObserver.callStarted!(asked)!.failed!(new GuardError("unavailable", "no leader"));
    } finally {
      for (const name of names) unsubscribe(name, listener);
    }
    expect(heard.map(([name]) => name)).toEqual(["started", "sent", "attempt-failed", "decided", "started", "failed"]);
    expect(heard.every(([, { call }]) => call === asked)).toBe(true);
    expect(heard[1]![1]).toEqual({ call: asked, endpoint: "n1:7400", attempt: 1, number: 7 });
  });
});

describe("the debug log", () => {
  test("explains each attempt and what follows from its end, and hashes the key", () => {
    const lines: string[] = [];
    const observer = debugObserver((line) => lines.push(line.replaceAll(/\d+\.\d ms/g, "# ms")), true);
    const call = observer.callStarted!({ ...asked, checks: 3 })!;
    call.sent!("n1:7400", 1, 7);
    call.attemptFailed!("the leader changed", "unknown");
    call.attemptFailed!("no leader", "no");
    call.decided!([allowed, denied]);
    observer.breakerChanged!("open");
    observer.event!({ type: "degraded", reason: "no leader" });
    const [name] = lines[0]!.split(":");
    expect(lines.map((line) => line.replace(`${name}: `, ""))).toEqual([
      'take of key ff8d9819 under policy "login" and 2 more checks, within 1000 ms',
      "attempt 1 to n1:7400 after # ms",
      "attempt 1 failed after # ms: the leader changed; it may have been counted; sent again under the same number it counts once",
      "attempt 1 failed after # ms: no leader; it was not counted",
      "allowed (quorum), limited (leader) after # ms",
      "breaker open: the cluster does not decide; calls are answered here at once, and one at a time looks for it",
      'degraded: {"reason":"no leader"}',
    ]);
  });

  test("costs nothing unless it is asked for", () => {
    expect(debugObserver(() => {}, false)).toEqual({});
  });
});

test("several observers follow one call, and those that do not care are left out", () => {
  const heard: string[] = [];
  const follower = (name: string) => ({
    callStarted: () => ({ sent: (to: string) => void heard.push(`${name} ${to}`) }),
  });
  const both = combineObservers([follower("a"), {}, { callStarted: () => null }, follower("b")]);
  both.callStarted!(asked)!.sent!("n1", 1, 7);
  expect(heard).toEqual(["a n1", "b n1"]);
  expect(combineObservers([{}, channelObserver]).callStarted!(asked)).toBeNull();
});

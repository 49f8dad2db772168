import {
  type Attributes,
  createNoopMeter,
  type Histogram,
  type Meter,
  metrics,
  type ObservableResult,
  ProxyTracerProvider,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type {
  BreakerState,
  CallObserver,
  Decision,
  GuardError,
  GuardObserver,
  ObservedCall,
  VerbName,
} from "@quorumguard/sdk-core";
import { DecisionTotals } from "./decision-totals.ts";

const SCOPE = "@quorumguard/sdk-node";

/** Instruments exist once for each meter provider, however many guards there are: an observation without labels has one value. */
interface ProcessMetrics {
  readonly provider: unknown;
  /** Whether somebody reads them. */
  readonly isRead: boolean;
  readonly totals: DecisionTotals;
  readonly breakers: Map<object, BreakerState>;
  readonly duration: Histogram;
  failedAttempts(applied: string): void;
}

let current: ProcessMetrics | null = null;

/** What stands behind the API's tracers while no SDK is registered. */
const noTracing = new ProxyTracerProvider().getDelegate();

function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== noTracing;
}

/**
 * Spans and metrics of a guard, through the OpenTelemetry API. Without an SDK a call costs a look whether there is one: metrics are
 * read if their provider was registered before the guard was made, spans also if it comes later. Keys are in none of them.
 */
export function openTelemetryObserver(version: string): GuardObserver {
  const tracer = trace.getTracer(SCOPE, version);
  const shared = processMetrics(version);
  const guard = {};
  shared.breakers.set(guard, "closed");
  let unwatch = () => {};
  return {
    callStarted: (call) => (shared.isRead || isTraced() ? new TracedCall(tracer, shared, call) : null),
    localAnswers: (counts) => {
      unwatch = shared.totals.watch(counts);
    },
    breakerChanged: (state) => void shared.breakers.set(guard, state),
    closed: () => {
      unwatch();
      shared.breakers.delete(guard);
    },
  };
}

function processMetrics(version: string): ProcessMetrics {
  const provider = metrics.getMeterProvider();
  if (current?.provider !== provider) current = createProcessMetrics(provider, metrics.getMeter(SCOPE, version));
  return current;
}

function createProcessMetrics(provider: unknown, meter: Meter): ProcessMetrics {
  const totals = new DecisionTotals();
  const breakers = new Map<object, BreakerState>();
  observeDecisions(meter, totals);
  observeLocalAnswers(meter, totals);
  meter
    .createObservableGauge("quorumguard.client.breakers", {
      unit: "{guard}",
      description: "Guards of this process by the state of their breaker: closed, ramping or open.",
    })
    .addCallback((result) => {
      const counts = { closed: 0, ramping: 0, open: 0 };
      for (const state of breakers.values()) counts[state] += 1;
      for (const [state, count] of Object.entries(counts))
        result.observe(count, { "quorumguard.breaker.state": state });
    });
  const failures = meter.createCounter("quorumguard.client.attempt.failures", {
    unit: "{attempt}",
    description: "Attempts of calls that ended without a decision, by whether they may have been counted.",
  });
  return {
    provider,
    isRead: meter !== createNoopMeter(),
    totals,
    breakers,
    duration: meter.createHistogram("quorumguard.client.call.duration", {
      unit: "s",
      description: "From the call to its answer, of calls that were not answered by this process at once.",
      advice: {
        explicitBucketBoundaries: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      },
    }),
    failedAttempts: (applied) => failures.add(1, { "quorumguard.applied": applied }),
  };
}

function observeDecisions(meter: Meter, totals: DecisionTotals): void {
  meter
    .createObservableCounter("quorumguard.client.decisions", {
      unit: "{decision}",
      description: "Decisions by outcome, source and policy.",
    })
    .addCallback((result) => {
      for (const { outcome, source, policy, count } of totals) {
        result.observe(count, {
          "quorumguard.outcome": outcome,
          "quorumguard.source": source,
          ...(policy === null ? {} : { "quorumguard.policy": policy }),
        });
      }
    });
}

function observeLocalAnswers(meter: Meter, totals: DecisionTotals): void {
  const units = meter.createObservableCounter("quorumguard.client.lease.units", {
    unit: "{unit}",
    description:
      "Units of cost that were leased: granted, and of these spent, returned, or expired unspent (wasted). The rest is out.",
  });
  units.addCallback((result: ObservableResult) => {
    const { unitsGranted, unitsSpent, unitsReturned, unitsExpired } = totals.localAnswers();
    const observe = (state: string, count: number) => result.observe(count, { "quorumguard.lease.state": state });
    observe("granted", unitsGranted);
    observe("spent", unitsSpent);
    observe("returned", unitsReturned);
    observe("expired", unitsExpired);
  });
}

/** Other verbs settle, empty or lease. */
const asksForAdmission: ReadonlySet<string> = new Set(["take", "reserve"] satisfies VerbName[]);

class TracedCall implements CallObserver {
  readonly #span: Span;
  readonly #shared: ProcessMetrics;
  readonly #verb: string;
  readonly #startedMs = performance.now();

  constructor(tracer: Tracer, shared: ProcessMetrics, { verb, policy, checks }: ObservedCall) {
    this.#shared = shared;
    this.#verb = verb;
    const attributes: Attributes = { "quorumguard.verb": verb, "quorumguard.checks": checks };
    if (policy !== null) attributes["quorumguard.policy"] = policy;
    this.#span = tracer.startSpan(`quorumguard ${verb}`, { kind: SpanKind.CLIENT, attributes });
  }

  sent(endpoint: string, attempt: number): void {
    if (this.#span.isRecording())
      this.#span.addEvent("sent", { "server.address": endpoint, "quorumguard.attempt": attempt });
  }

  attemptFailed(reason: string, applied: string): void {
    this.#shared.failedAttempts(applied);
    if (this.#span.isRecording()) this.#span.addEvent("attempt failed", { reason, "quorumguard.applied": applied });
  }

  decided(decisions: readonly Decision[]): void {
    if (asksForAdmission.has(this.#verb)) for (const decision of decisions) this.#shared.totals.add(decision);
    this.#shared.duration.record(this.#elapsedS(), { "quorumguard.verb": this.#verb });
    if (this.#span.isRecording()) this.#span.setAttributes(decisionAttributes(decisions));
    this.#span.end();
  }

  failed({ code, message }: GuardError): void {
    this.#shared.duration.record(this.#elapsedS(), { "quorumguard.verb": this.#verb, "error.type": code });
    if (this.#span.isRecording()) {
      this.#span.setAttribute("error.type", code);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    this.#span.end();
  }

  #elapsedS(): number {
    return (performance.now() - this.#startedMs) / 1_000;
  }
}

/** A group is told as one: allowed if all are, else by the first check that was not. */
function decisionAttributes(decisions: readonly Decision[]): Attributes {
  const telling = decisions.find(({ allowed }) => !allowed) ?? decisions[0]!;
  return {
    "quorumguard.outcome": telling.allowed ? "allowed" : telling.reason,
    "quorumguard.source": telling.source,
    "quorumguard.degraded": telling.degraded,
    "quorumguard.limit": telling.limit,
    ...(telling.remaining === null ? {} : { "quorumguard.remaining": telling.remaining }),
    ...(telling.shadow === null ? {} : { "quorumguard.shadow": telling.shadow }),
  };
}

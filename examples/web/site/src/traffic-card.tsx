import { useState } from "react";
import { milliseconds } from "./answers.ts";
import { LatencyStrip } from "./latency-strip.tsx";
import { everyMs, useTraffic } from "./use-traffic.ts";
import type { Visit } from "./visit.ts";

interface Props {
  readonly visit: Visit;
  /** Null while the server has not said it. */
  readonly kills: number | null;
  readonly online: boolean;
}

/** Steady calls of this page, so that a killed leader can be seen in them. */
export function TrafficCard({ visit, kills, online }: Props) {
  const [wanted, setWanted] = useState(true);
  const { recent, counts } = useTraffic(visit.guard, visit.key, kills, wanted && online);
  const answered = counts.allowed + counts.denied;
  const slowestMs = Math.max(0, ...recent.map(({ tookMs }) => tookMs));
  return (
    <section className="card wide-card" aria-labelledby="traffic-title">
      <div className="card-head">
        <div>
          <h2 id="traffic-title">Steady traffic</h2>
          <p className="hint">
            {online
              ? `This page also asks ${1_000 / everyMs} times a second. A bar is a call, and its height the time it took.`
              : "Not asking while this device is offline."}
          </p>
        </div>
        <button
          type="button"
          role="switch"
          className="toggle"
          aria-checked={wanted}
          aria-labelledby="traffic-title"
          onClick={() => setWanted(!wanted)}
        >
          <span aria-hidden="true">{wanted ? "on" : "off"}</span>
        </button>
      </div>
      <LatencyStrip calls={recent} />
      <dl className="counts">
        <Count name="answered" value={answered} tone="allowed" />
        <Count name="degraded" value={counts.degraded} tone="degraded" />
        <Count name="failed" value={counts.failed} tone="failed" />
        <div>
          <dt>slowest shown</dt>
          <dd>{recent.length === 0 ? "–" : milliseconds(slowestMs)}</dd>
        </div>
      </dl>
    </section>
  );
}

function Count({ name, value, tone }: { readonly name: string; readonly value: number; readonly tone: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={value > 0 ? tone : ""}>{value}</dd>
    </div>
  );
}

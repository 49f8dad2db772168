import { milliseconds, type Tone } from "./answers.ts";
import { type Call, shownCalls } from "./use-traffic.ts";

const height = 100;
/** What fills the height, in milliseconds. The scale is a square root, so that a usual call can be seen beside a slow one. */
const maxMs = 900;
const ticksMs = [100, 400] as const;
const tones: readonly Tone[] = ["allowed", "denied", "degraded", "failed"];

/** The latest calls as bars, the newest at the right, and where leaders were killed. */
export function LatencyStrip({ calls }: { readonly calls: readonly Call[] }) {
  const left = shownCalls - calls.length;
  const slowestMs = Math.max(0, ...calls.map(({ tookMs }) => tookMs));
  const failed = calls.filter(({ tone }) => tone === "failed").length;
  const label = `The last ${calls.length} calls: the slowest took ${milliseconds(slowestMs)}, ${failed} failed.`;
  const kills = calls.flatMap(({ kills }, at) => {
    const before = calls[at - 1]?.kills ?? null;
    return kills !== null && before !== null && kills > before ? [left + at] : [];
  });
  return (
    <div className="strip" role="img" aria-label={label}>
      <svg viewBox={`0 0 ${shownCalls} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {ticksMs.map((ms) => (
          <line key={ms} className="tick" x1="0" x2={shownCalls} y1={yOf(ms)} y2={yOf(ms)} />
        ))}
        {kills.map((x) => (
          <line key={x} className="kill" x1={x} x2={x} y1="0" y2={height} />
        ))}
        {tones.map((tone) => (
          <path key={tone} className={tone} d={bars(calls, tone, left)} />
        ))}
      </svg>
      <ul className="ticks" aria-hidden="true">
        {ticksMs.map((ms) => (
          <li key={ms}>{ms} ms</li>
        ))}
      </ul>
    </div>
  );
}

function bars(calls: readonly Call[], tone: Tone, left: number): string {
  return calls
    .map((call, at) => (call.tone === tone ? `M${left + at + 0.5} ${height}V${yOf(call.tookMs).toFixed(1)}` : ""))
    .join("");
}

function yOf(ms: number): number {
  return height - height * Math.sqrt(Math.min(1, Math.max(ms, 2) / maxMs));
}

import type { BrowserGuard } from "@quorumguard/sdk-web";
import { useEffect, useRef, useState } from "react";
import { type Tone, toneOf } from "./answers.ts";

/** One call of the steady traffic. */
export interface Call {
  readonly tone: Tone;
  /** From its start to its answer, in milliseconds. */
  readonly tookMs: number;
  /** Leaders killed until its start, so that a kill can be drawn where it happened; null: not heard of yet. */
  readonly kills: number | null;
}

/** What the traffic came to. */
export interface Traffic {
  /** The latest calls, oldest first. */
  readonly recent: readonly Call[];
  readonly counts: Readonly<Record<Tone, number>>;
}

/** How many calls the picture shows. */
export const shownCalls = 200;
/** How often a call starts, in milliseconds. */
export const everyMs = 100;
/** What may wait for answers at once: more would only be a queue. */
const maxInFlight = 64;
const nothing: Traffic = { recent: [], counts: { allowed: 0, denied: 0, degraded: 0, failed: 0 } };

/**
 * Asks ten times a second while `running` and while somebody looks. Each call rather fails than be decided without the cluster, so that what
 * is shown as answered was answered by it.
 */
export function useTraffic(
  guard: BrowserGuard<"traffic">,
  key: string,
  kills: number | null,
  running: boolean,
): Traffic {
  const [traffic, setTraffic] = useState(nothing);
  const killsNow = useRef(kills);
  useEffect(() => {
    killsNow.current = kills;
  }, [kills]);
  useEffect(() => {
    if (!running) return;
    const ending = new AbortController();
    let inFlight = 0;
    const ask = async () => {
      const startedAt = performance.now();
      const killsAtStart = killsNow.current;
      inFlight += 1;
      const tone = await guard.allow(key, "traffic", { onUnavailable: "throw", signal: ending.signal }).then(
        (decision) => toneOf({ decision, error: null }),
        (): Tone => "failed",
      );
      inFlight -= 1;
      // What was given up when the switch was turned off did not fail.
      if (ending.signal.aborted) return;
      const call = { tone, tookMs: performance.now() - startedAt, kills: killsAtStart };
      setTraffic(({ recent, counts }) => ({
        recent: [...recent, call].slice(-shownCalls),
        counts: { ...counts, [tone]: counts[tone] + 1 },
      }));
    };
    const timer = setInterval(() => {
      if (!document.hidden && inFlight < maxInFlight) void ask();
    }, everyMs);
    return () => {
      clearInterval(timer);
      ending.abort();
    };
  }, [guard, key, running]);
  return traffic;
}

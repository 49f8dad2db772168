import type { RateLimit } from "@quorumguard/sdk-web/react";
import { useEffect, useState } from "react";
import { useOnline } from "./use-online.ts";
import type { Visit } from "./visit.ts";

const everyMs = 500;

/**
 * Asks by `peek`, which counts nothing, until the whole limit is there again, so that the ring is seen to fill; what it hears, the hook of
 * the same key hears too. While nothing is left it waits for `resetAfterMs`: a denial is for whoever presses.
 */
export function useRefill({ guard, key }: Visit, { allowed, limit, remaining }: RateLimit, resetAfterMs: number): void {
  const online = useOnline();
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (limit === null || remaining === limit || !allowed || !online) return;
    const next = () => setRound(round + 1);
    const ask = () => (document.hidden ? next() : guard.peek({ key, policy: "button" }).then(next, next));
    const timer = setTimeout(ask, remaining === 0 ? resetAfterMs : everyMs);
    return () => clearTimeout(timer);
  }, [guard, key, allowed, limit, remaining, resetAfterMs, online, round]);
}

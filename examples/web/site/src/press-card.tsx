import { useRateLimit } from "@quorumguard/sdk-web/react";
import type { Answer, Outcome } from "./answers.ts";
import { LimitRing } from "./limit-ring.tsx";
import { Said } from "./said.tsx";
import { useRefill } from "./use-refill.ts";
import type { Visit } from "./visit.ts";

/** What policies.yaml says of the button, until the cluster has said it. */
const expectedLimit = 5;
const windowS = 10;

interface Props {
  readonly visit: Visit;
  readonly lastAnswer: Answer | null;
  readonly onAnswer: (outcome: Outcome, atMs: number, tookMs: number) => void;
}

/** The button that gets limited, and what the cluster said. */
export function PressCard({ visit, lastAnswer, onAnswer }: Props) {
  const limit = useRateLimit(visit.guard, visit.key, "button");
  useRefill(visit, limit, lastAnswer?.decision?.resetAfterMs ?? windowS * 1_000);
  const { allowed, remaining, secondsLeft } = limit;
  const press = async () => {
    if (limit.pending) return;
    const [atMs, startedAt] = [Date.now(), performance.now()];
    const outcome = await limit.attempt().then(
      (decision): Outcome => ({ decision, error: null }),
      (error: unknown): Outcome => ({ decision: null, error: error instanceof Error ? error.message : String(error) }),
    );
    onAnswer(outcome, atMs, performance.now() - startedAt);
  };
  return (
    <section className="card press-card" aria-labelledby="press-title">
      <h2 id="press-title">The button</h2>
      <p className="hint">
        {limit.limit ?? expectedLimit} times in any {windowS} seconds
      </p>
      <div className={`press ${allowed ? "" : "denied"}`}>
        <LimitRing
          limit={limit.limit ?? expectedLimit}
          // When a denial is over, one is there again, and the rest not known.
          remaining={remaining ?? (limit.limit === null ? expectedLimit : 1)}
          waitShare={allowed ? null : (secondsLeft ?? windowS) / windowS}
        />
        <button type="button" {...limit.buttonProps} onClick={press}>
          {allowed ? (
            <>
              <span className="big">Press</span>
              <span className="small">{remaining === null ? "and see" : `${remaining} left`}</span>
            </>
          ) : secondsLeft === null ? (
            <span className="small">Waiting does not help</span>
          ) : (
            <>
              <span className="big">{secondsLeft}</span>
              <span className="small">{secondsLeft === 1 ? "second to go" : "seconds to go"}</span>
            </>
          )}
        </button>
      </div>
      <p className="out-of-sight" aria-live="polite">
        {limit.announcement}
      </p>
      <Said answer={lastAnswer} />
    </section>
  );
}

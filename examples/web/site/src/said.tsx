import { type Answer, milliseconds, sourceWords, toneOf, wordOf } from "./answers.ts";

/** What the cluster said last. */
export function Said({ answer }: { readonly answer: Answer | null }) {
  if (answer === null) return <p className="said empty">What the cluster said will be here.</p>;
  const { decision, error, tookMs } = answer;
  return (
    <dl className="said">
      <div>
        <dt>Decision</dt>
        <dd>
          <span className={`tag ${toneOf(answer)}`}>{wordOf(answer)}</span>
        </dd>
      </div>
      <div>
        <dt>Remaining</dt>
        <dd>
          {decision === null || decision.remaining === null
            ? "not known"
            : `${decision.remaining} of ${decision.limit}`}
        </dd>
      </div>
      <div>
        <dt>Took</dt>
        <dd>{milliseconds(tookMs)}</dd>
      </div>
      <div className="wide">
        <dt>Decided by</dt>
        <dd>{decision === null ? error : sourceWords[decision.source]}</dd>
      </div>
    </dl>
  );
}

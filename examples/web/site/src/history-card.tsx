import { type Answer, milliseconds, toneOf, wordOf } from "./answers.ts";

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/** The last presses of the button. */
export function HistoryCard({ answers }: { readonly answers: readonly Answer[] }) {
  return (
    <section className="card wide-card" aria-labelledby="history-title">
      <h2 id="history-title">Last decisions</h2>
      {answers.length === 0 ? (
        <p className="hint">Press the button.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Decision</th>
              <th scope="col">Left</th>
              <th scope="col">Source</th>
              <th scope="col">Took</th>
            </tr>
          </thead>
          <tbody>
            {answers.map((answer) => (
              <tr key={answer.id}>
                <td>{clock.format(answer.atMs)}</td>
                <td>
                  <span className={`tag ${toneOf(answer)}`}>{wordOf(answer)}</span>
                </td>
                <td>{answer.decision?.remaining ?? "–"}</td>
                <td>{answer.decision?.source ?? "–"}</td>
                <td>{milliseconds(answer.tookMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

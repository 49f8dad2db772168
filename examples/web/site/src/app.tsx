import { useState } from "react";
import type { Answer, Outcome } from "./answers.ts";
import { ClusterCard } from "./cluster-card.tsx";
import { HistoryCard } from "./history-card.tsx";
import { PressCard } from "./press-card.tsx";
import { TrafficCard } from "./traffic-card.tsx";
import { useCluster } from "./use-cluster.ts";
import { useOnline } from "./use-online.ts";
import type { Visit } from "./visit.ts";

const keptAnswers = 8;

/** The whole page. */
export function App({ visit }: { readonly visit: Visit }) {
  const cluster = useCluster();
  const online = useOnline();
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const remember = (outcome: Outcome, atMs: number, tookMs: number) =>
    setAnswers((before) =>
      [{ ...outcome, id: (before[0]?.id ?? 0) + 1, atMs, tookMs }, ...before].slice(0, keptAnswers),
    );
  return (
    <>
      <header className="masthead">
        <img src="/icon.svg" alt="" width="28" height="28" />
        <p className="name">QuorumGuard</p>
        <p className={`network ${online ? "allowed" : "degraded"}`} role="status">
          {online ? "online" : "offline"}
        </p>
      </header>
      <main className="page">
        <h1>A page that asks first</h1>
        <p className="lead">
          Every press below is decided by three nodes that agree, through a proxy, with a token that is good for this
          visitor alone. The page can choose neither its limit nor another visitor’s key.
        </p>
        {!online && (
          <p className="notice degraded">
            This device is offline. What is pressed now is decided by this page alone and marked so, until the network
            is back.
          </p>
        )}
        <div className="cards">
          <PressCard visit={visit} lastAnswer={answers[0] ?? null} onAnswer={remember} />
          <ClusterCard cluster={cluster} />
          <TrafficCard visit={visit} kills={cluster?.kills ?? null} online={online} />
          <HistoryCard answers={answers} />
        </div>
      </main>
      <footer className="page">
        <p>
          You are <code>{visit.key}</code>
        </p>
      </footer>
    </>
  );
}

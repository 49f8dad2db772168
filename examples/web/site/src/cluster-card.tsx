import { useState } from "react";
import type { ClusterView } from "../../cluster-view.ts";
import { TopologyPicture } from "./topology-picture.tsx";
import { post } from "./visit.ts";

/** Who leads, since when, and the switch that ends it. */
export function ClusterCard({ cluster }: { readonly cluster: ClusterView | null }) {
  const [refusal, setRefusal] = useState<string | null>(null);
  const away = cluster?.nodes.find(({ state }) => state !== "running");
  const impossible = cluster === null || away !== undefined || cluster.leaderId === 0;
  const kill = async () => {
    if (impossible) return;
    setRefusal(null);
    await post("/api/kill-leader").catch((error: Error) => setRefusal(error.message));
  };
  return (
    <section className="card" aria-labelledby="cluster-title">
      <h2 id="cluster-title">The cluster</h2>
      <p className="hint">{cluster === null ? "Not heard from" : `Term ${cluster.term}, three nodes`}</p>
      <TopologyPicture cluster={cluster} />
      <p className="spoken" role="status">
        {cluster === null ? "Waiting for this page’s server." : sentence(cluster)}
      </p>
      <button type="button" className="switch" aria-disabled={impossible} onClick={kill}>
        Kill the leader
      </button>
      {refusal !== null && (
        <p className="notice failed" role="alert">
          {refusal}
        </p>
      )}
    </section>
  );
}

function sentence({ nodes, leaderId, gapMs, kills }: ClusterView): string {
  const killed = nodes.find(({ state }) => state === "killed");
  const starting = nodes.find(({ state }) => state === "starting");
  if (leaderId === 0) return "Nobody leads. The others elect a new leader.";
  const leads =
    gapMs === null ? `Node ${leaderId} leads` : `Node ${leaderId} leads, after ${gapMs} ms without a leader`;
  if (killed !== undefined) return `${leads}. Node ${killed.nodeId} is dead, and two of three are a quorum.`;
  if (starting !== undefined) return `${leads}. Node ${starting.nodeId} is coming back.`;
  return kills === 0 ? `${leads}.` : `${leads}. All three are here.`;
}

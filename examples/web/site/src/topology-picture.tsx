import type { ClusterView } from "../../cluster-view.ts";

const places = [
  { x: 160, y: 52 },
  { x: 66, y: 168 },
  { x: 254, y: 168 },
] as const;
const radius = 30;

/** Three nodes, who leads, and whom it sends to. The same is said in words below it. */
export function TopologyPicture({ cluster }: { readonly cluster: ClusterView | null }) {
  const nodes = cluster?.nodes ?? places.map((_, at) => ({ nodeId: at + 1, state: "starting" as const }));
  const drawn = nodes.slice(0, places.length).map((node, at) => ({ ...node, ...places[at]! }));
  const leader = drawn.find(({ nodeId }) => nodeId === cluster?.leaderId);
  const pairs = drawn.flatMap((from, at) => drawn.slice(at + 1).map((to) => [from, to] as const));
  return (
    <svg className="topology" viewBox="0 0 320 226" aria-hidden="true">
      {pairs.map(([one, other]) => (
        <line key={`${one.nodeId}-${other.nodeId}`} x1={one.x} y1={one.y} x2={other.x} y2={other.y} />
      ))}
      {leader !== undefined &&
        drawn
          .filter(({ nodeId, state }) => nodeId !== leader.nodeId && state === "running")
          .map(({ nodeId, x, y }) => (
            <line key={`to-${nodeId}`} className="replicates" x1={leader.x} y1={leader.y} x2={x} y2={y} />
          ))}
      {drawn.map(({ nodeId, state, x, y }) => (
        <g key={nodeId} className={`node ${nodeId === leader?.nodeId ? "leader" : state}`}>
          <circle cx={x} cy={y} r={radius} />
          <text x={x} y={y + 6}>
            {nodeId}
          </text>
          <text className="role" x={x} y={y + radius + 19}>
            {nodeId === leader?.nodeId ? "leads" : roleOf[state]}
          </text>
        </g>
      ))}
    </svg>
  );
}

const roleOf = { running: "follows", killed: "dead", starting: "starts" } as const;

/** What became of a node, as the one who starts and kills them knows. */
export type NodeState = "running" | "killed" | "starting";

/** What the page is told of the cluster, as one JSON text per change. */
export interface ClusterView {
  readonly nodes: readonly { readonly nodeId: number; readonly state: NodeState }[];
  /** 0 while nobody leads. */
  readonly leaderId: number;
  /** It grows with every election. */
  readonly term: number;
  /** Leaders killed since the start. */
  readonly kills: number;
  /** How long nobody led after the last kill, in milliseconds; null before the first, and while nobody leads. */
  readonly gapMs: number | null;
}

/** A cluster of production nodes inside a test's own process, with switches for faults and a clock that can be moved. */
export {
  type NodeRef,
  startTestCluster,
  type TestCluster,
  type TestMember,
  type TestTopology,
  type WaitOptions,
} from "./test-cluster.ts";
export type { TestClusterOptions, TestPolicy, TestSpan } from "./test-cluster-options.ts";
export type { NodeState } from "./test-node.ts";

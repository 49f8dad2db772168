/** Published packages by level, from the bottom: one may import from lower levels only. A test asks scripts/tidy/layers.ts. */
export const packageLevels = {
  raft: 0,
  limiter: 0,
  proto: 0,
  "sdk-core": 1,
  "sdk-node": 2,
  "sdk-web": 2,
  middleware: 2,
  cluster: 3,
  sim: 4,
} as const satisfies Readonly<Record<string, number>>;

/** Folders of packages/cluster/src by level, from the bottom. */
export const clusterLevels = {
  storage: 0,
  transport: 0,
  node: 1,
  server: 2,
  cli: 3,
  "testing-kit": 3,
} as const satisfies Readonly<Record<string, number>>;

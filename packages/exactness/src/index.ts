/** What the programs that run cells of the exactness audit share: what a run is, its arrivals, its ratios. */
export { gapAroundMs } from "./answer-gap.ts";
export { planArrivals } from "./arrivals.ts";
export { boundRatioByCallers } from "./bounds-by-callers.ts";
export {
  type AlgorithmName,
  algorithmNames,
  type Cell,
  type CellFacts,
  cellOf,
  keyOf,
  type RunPlan,
  type RunResult,
  ruleOf,
} from "./cell.ts";
export { collectCell, type Heard } from "./collect.ts";
export { type Arrival, type CellEvidence, measureCell } from "./measure.ts";

import { fitModel, type Measured, type NodeFactors, nodeFactors, predict, type ScalingModel } from "./cost-model.ts";
import { type Comparison, compare } from "./judge.ts";
import type { MeasuredSamples } from "./measure.ts";

/** All configurations with their samples: what is fitted to, and what is held out. */
export interface Gathered {
  readonly grid: readonly MeasuredSamples[];
  readonly heldOut: readonly MeasuredSamples[];
  /** Of the other Node.js; null: there was none. */
  readonly other: { readonly reference: MeasuredSamples; readonly heldOut: readonly MeasuredSamples[] } | null;
}

/** A model, and what became of its predictions. */
export interface Evaluation {
  readonly model: ScalingModel;
  readonly factors: NodeFactors;
  readonly comparisons: readonly Comparison[];
}

/** Fits to the grid, predicts what is held out, and holds that against what was measured. */
export function evaluate({ grid, heldOut, other }: Gathered, cores: number): Evaluation {
  const model = fitModel(grid, cores);
  const factors = other === null ? {} : nodeFactors(model, other.reference);
  const comparisons = [...compareAll(model, heldOut), ...compareAll(model, other?.heldOut ?? [], factors)];
  return { model, factors, comparisons };
}

/** Every configuration, those of the other Node.js last. */
export function configurationsOf({ grid, heldOut, other }: Gathered): readonly MeasuredSamples[] {
  return [...grid, ...heldOut, ...(other === null ? [] : [other.reference, ...other.heldOut])];
}

function compareAll(model: ScalingModel, measured: readonly Measured[], factors?: NodeFactors): readonly Comparison[] {
  return measured.flatMap((one) => compare(one, predict(model, one.configuration, factors)));
}

import type { Runtime } from "./transport.ts";

/** The time by which callers wait for answers: deadlines are counted by it, and everything that the cluster counts is not. */
export function realMs(runtime: Pick<Runtime, "monotonicMs" | "realMs">): number {
  return runtime.realMs?.() ?? runtime.monotonicMs();
}

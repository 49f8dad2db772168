import assert from "node:assert/strict";
import type { CallReport } from "../page/subject.ts";

/** How many of these calls were admitted. None may have failed, or been decided without the cluster. */
export function admitted(reports: readonly CallReport[]): number {
  for (const { code, message, degraded } of reports) {
    assert.equal(code, null, `a call failed: ${message}`);
    assert.equal(degraded, false, "a call was decided without the cluster");
  }
  return reports.filter(({ allowed }) => allowed).length;
}

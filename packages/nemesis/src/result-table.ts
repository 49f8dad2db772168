import type { NemesisResult } from "./run-nemesis.ts";

/** The result for people: counts, faults, what is wrong, and where to look. */
export function resultTable(result: NemesisResult): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ["seed", result.seed],
    ["calls", `${result.calls} (${result.allowed} allowed, ${result.denied} denied, ${result.failed} failed)`],
    ["answered by clients", `${result.leased} by leases, ${result.remembered} by denials that they remembered`],
    ["committed entries", result.entries],
    ["leader changes", result.leaderChanges],
    ["snapshots sent", result.snapshots],
    [
      "faults",
      Object.entries(result.faults)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(", "),
    ],
    ["over-admitted", result.overAdmitted],
    ["charged twice", result.chargedTwice],
    ["acknowledged and lost", result.acknowledgedLost],
    ["degraded", result.degraded],
    ["history", result.history],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const skipped = Object.entries(result.skipped).map(([kind, reason]) => `skipped: ${kind} (${reason})`);
  const kept = result.folder === null ? [] : [`logs and history: ${result.folder}`];
  return ["", ...table, ...skipped, ...result.violations.map((line) => `violation: ${line}`), ...kept].join("\n");
}

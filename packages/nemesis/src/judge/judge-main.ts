/**
 * Judges the folder of a run, its first argument, in a process of its own: it needs more memory than a process usually
 * gets. Prints one line of JSON.
 */
import { judge } from "./judge.ts";
import type { JudgedRun } from "./judge-run.ts";
import { readRunFolder } from "./run-folder.ts";

const evidence = await readRunFolder(process.argv[2] ?? ".");
const verdict = judge(evidence);
const count = (allowed: boolean | null) => evidence.calls.filter((call) => call.allowed === allowed).length;
const from = (source: string) => evidence.calls.filter((call) => call.source === source).length;
const run: JudgedRun = {
  ...verdict,
  violations: [...new Set(verdict.violations)],
  calls: evidence.calls.length,
  allowed: count(true),
  denied: count(false),
  failed: count(null),
  leased: from("lease"),
  remembered: from("denial-cache"),
  entries: evidence.entries.length,
};
process.stdout.write(`${JSON.stringify(run)}\n`);

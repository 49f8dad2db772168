import { readFileSync } from "node:fs";
import { join } from "node:path";
import { applyEdit } from "./apply-edit.ts";
import { ownScripts, runScripts } from "./find-by-scripts.ts";
import { runTests } from "./find-by-tests.ts";
import type { JudgeOptions, Way } from "./judge.ts";
import type { Mutant } from "./mutant.ts";
import type { WorkspaceCopy } from "./workspace-copy.ts";

/**
 * What is wrong with the sources before any bug is planted: a test that fails anyway would find every mutant. Seeds are
 * compared one by one, when they find something.
 */
export async function problemsOf(
  sound: WorkspaceCopy,
  mutants: readonly Mutant[],
  options: Pick<JudgeOptions, "only" | "scripts" | "timeoutMs"> & { readonly workers: number },
): Promise<readonly string[]> {
  const { only, scripts, workers, timeoutMs } = options;
  const looks = (way: Way) => only === null || only === way;
  const problems = mutants.flatMap((mutant) => misfit(sound.folder, mutant));
  const files = [...new Set(mutants.flatMap(({ foundBy }) => foundBy.tests ?? []))].sort();
  if (looks("tests") && files.length > 0) {
    const { failed, unsound } = await runTests(sound.folder, files, { bail: false, workers, timeoutMs });
    problems.push(...failed.map(({ test, failure }) => `${test}: ${failure}`), ...unsound);
  }
  if (looks("scripts") && (only === "scripts" || mutants.some(({ foundBy }) => foundBy.scripts))) {
    for (const root of [ownScripts, ...(scripts === null ? [] : [scripts])]) {
      const run = await runScripts(sound.folder, root, timeoutMs);
      if (run === null) problems.push(`the scripts below ${root} gave no verdict`);
      else if (run.failed > 0 || run.passed === 0) problems.push(`${root}: ${run.passed} passed, ${run.failed} failed`);
    }
  }
  return problems;
}

/** Said before anything is run: a mutant that cannot be planted any more is found by nobody. */
function misfit(folder: string, { name, edits }: Mutant): readonly string[] {
  const sources = new Map<string, string>();
  try {
    for (const edit of edits) {
      const source = sources.get(edit.file) ?? readFileSync(join(folder, "packages", edit.file), "utf8");
      sources.set(edit.file, applyEdit(source, edit));
    }
    return [];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyEdit } from "./apply-edit.ts";
import type { Mutant } from "./registry.ts";

/** A copy of the workspace's packages with one bug in it. */
export interface MutantCopy {
  /** The simulator's command in the copy. */
  readonly cli: string;
  remove(): void;
}

/**
 * Copies all packages into a temporary folder and plants the bug there. Links between packages are relative, so they
 * lead to the copies; everything else comes from the real `node_modules`.
 */
export function createMutantCopy(repository: string, mutant: Mutant): MutantCopy {
  const copy = mkdtempSync(join(tmpdir(), "quorumguard-mutant-"));
  const remove = () => rmSync(copy, { recursive: true, force: true });
  try {
    symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"), "dir");
    for (const name of readdirSync(join(repository, "packages"))) {
      cpSync(join(repository, "packages", name), join(copy, "packages", name), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !path.endsWith("/dist") && !path.endsWith(".test.ts"),
      });
    }
    for (const edit of mutant.edits) {
      const path = join(copy, "packages", edit.file);
      writeFileSync(path, applyEdit(readFileSync(path, "utf8"), edit));
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { cli: join(copy, "packages", "sim", "src", "cli.ts"), remove };
}

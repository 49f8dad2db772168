import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyEdit } from "./apply-edit.ts";
import type { Edit } from "./mutant.ts";

/** A copy of the workspace's packages, tests included. */
export interface WorkspaceCopy {
  /** The copy's root. */
  readonly folder: string;
  /** Another copy of this copy, with these changes. */
  mutated(edits: readonly Edit[]): WorkspaceCopy;
  remove(): void;
}

/** What the packages' tests need of the root. */
const rootFiles = ["package.json", "tsconfig.base.json", "vitest.config.ts"];

/**
 * Copies all packages into a temporary folder. Links between packages are relative, so they lead to the copies; everything
 * else comes from the real `node_modules`. Mutants are made from one such copy, so that a source that is edited meanwhile
 * is the same for all.
 */
export function copyWorkspace(repository: string): WorkspaceCopy {
  return copyFrom(repository, join(repository, "node_modules"), []);
}

function copyFrom(source: string, modules: string, edits: readonly Edit[]): WorkspaceCopy {
  const folder = mkdtempSync(join(tmpdir(), "quorumguard-mutant-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    symlinkSync(modules, join(folder, "node_modules"), "dir");
    for (const file of rootFiles) cpSync(join(source, file), join(folder, file));
    for (const name of readdirSync(join(source, "packages"))) {
      cpSync(join(source, "packages", name), join(folder, "packages", name), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !path.endsWith("/dist"),
      });
    }
    for (const edit of edits) {
      const path = join(folder, "packages", edit.file);
      writeFileSync(path, applyEdit(readFileSync(path, "utf8"), edit));
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, mutated: (changes) => copyFrom(folder, modules, changes), remove };
}

import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What is named like a script: a file to run, or, with `unreadable`, why it is none. */
export interface FoundScript {
  readonly path: string;
  readonly unreadable: string | null;
}

/** What went wrong, in one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
}

/** Why what is at `path` cannot be run, or null if it is a file. */
function objectionTo(path: string): string | null {
  try {
    const stats = statSync(path);
    if (stats.isFile()) return null;
    return stats.isDirectory() ? "it is a folder" : "it is neither a file nor a folder";
  } catch (error) {
    return reasonOf(error);
  }
}

/**
 * Every `.txt` below `folder`, at any depth, sorted; links to folders are not followed. Nothing is left out in silence: a
 * broken link, a folder that is named like a script and one that cannot be listed are among the results.
 */
export function findScripts(folder: string): readonly FoundScript[] {
  const found: FoundScript[] = [];
  const look = (below: string): void => {
    let names: readonly string[];
    try {
      names = readdirSync(below);
    } catch (error) {
      found.push({ path: below, unreadable: reasonOf(error) });
      return;
    }
    for (const name of names) {
      const path = join(below, name);
      if (name.endsWith(".txt")) found.push({ path, unreadable: objectionTo(path) });
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) look(path);
    }
  };
  if (statSync(folder).isDirectory()) look(folder);
  else found.push({ path: folder, unreadable: objectionTo(folder) });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

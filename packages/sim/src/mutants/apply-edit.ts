import type { Edit } from "./mutant.ts";

/**
 * The source with the edit made.
 * @throws {Error} when the text to replace is not there exactly once: the registry must follow the sources.
 */
export function applyEdit(source: string, edit: Edit): string {
  const places = source.split(edit.search).length - 1;
  if (places !== 1) {
    throw new Error(
      `${edit.file}: the text that the mutant replaces occurs ${places} times, not once; bring the registry up to date:\n${edit.search}`,
    );
  }
  return source.replace(edit.search, () => edit.replacement);
}

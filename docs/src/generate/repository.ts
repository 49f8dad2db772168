import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's root, as a path that ends without a slash. */
export const repositoryRoot = fileURLToPath(new URL("../../..", import.meta.url)).replace(/[\\/]$/, "");

/** The text of a file of the repository. */
export function readSource(path: string): string {
  return readFileSync(`${repositoryRoot}/${path}`, "utf8");
}

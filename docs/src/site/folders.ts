import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the site. The builder bundles this module elsewhere, but runs in the site's folder. */
export const docsFolder = findDocs();

/** The repository's root. */
export const repositoryRoot = path.dirname(docsFolder);

/** Code that pages show, compiled and run by tests. */
export const snippetsFolder = path.join(docsFolder, "src", "snippets");

/** The pages. */
export const contentFolder = path.join(docsFolder, "src", "content", "docs");

/** The built site. */
export const distFolder = path.join(docsFolder, "dist");

function findDocs(): string {
  const here = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");
  return [here, process.cwd()].find((folder) => existsSync(path.join(folder, "astro.config.ts"))) ?? here;
}

import path from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder, with `/` at no end. */
export const repositoryRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** A path inside the repository, absolute. */
export function inRepository(...parts: readonly string[]): string {
  return path.join(repositoryRoot, ...parts);
}

/** `process.env` with the workspace's commands first on PATH, so that `buf` finds its plugins and children find our Node. */
export function workspaceEnvironment(): NodeJS.ProcessEnv {
  const bin = inRepository("node_modules", ".bin");
  return { ...process.env, PATH: [bin, process.env.PATH].filter(Boolean).join(path.delimiter) };
}

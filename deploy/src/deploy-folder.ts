import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with the Dockerfile and the stack's configuration. */
export const deployFolder = fileURLToPath(new URL("..", import.meta.url));

/** The repository's root, which is the image's build context. */
export const repositoryRoot = path.dirname(path.resolve(deployFolder));

/** A file below `deploy/`. */
export function inDeploy(...parts: string[]): string {
  return path.join(deployFolder, ...parts);
}

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server's own folder, which does not outlive this process. */
export interface ScratchFolder {
  readonly path: string;
  remove(): void;
}

/** A new one, by whose name people see whose it is. */
export async function scratchFolder(name: string, parent = tmpdir()): Promise<ScratchFolder> {
  const path = await mkdtemp(join(parent, `quorumguard-bench-${name}-`));
  const remove = () => {
    process.off("exit", remove);
    // A killed server may still be on its way out, and its folder not yet quiet.
    rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
  };
  process.once("exit", remove);
  return { path, remove };
}

import type { FileSystem } from "./file-system.ts";

/** Names of files that repair set aside end so. Nothing reads them again, and nothing but their owner removes them. */
export const damagedSuffix = ".damaged";

/** A path for a damaged file that no other one has: its own name, a number, the suffix. */
export async function freeName(files: FileSystem, folder: string, name: string): Promise<string> {
  const names = new Set(await files.list(folder));
  for (let number = 1; ; number += 1) {
    const free = `${name}.${number}${damagedSuffix}`;
    if (!names.has(free)) return folder === "" ? free : `${folder}/${free}`;
  }
}

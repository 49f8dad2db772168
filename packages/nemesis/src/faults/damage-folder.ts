import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "../random.ts";

const sectorBytes = 512;

/** Changes something in the log or the snapshots of a node that does not run. Says what; null: there is nothing to change. */
export async function damageFolder(folder: string, random: Random): Promise<string | null> {
  const kind = random.chance(0.7) ? "log" : "snapshots";
  const names = (await readdir(join(folder, kind)).catch(() => [])).filter((name) => /\.(seg|snap)$/.test(name)).sort();
  if (names.length === 0) return null;
  const name = random.chance(0.7) ? names.at(-1)! : random.pick(names);
  const file = await open(join(folder, kind, name), "r+");
  try {
    const bytes = await file.readFile();
    const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
    if (used === 0) return null;
    // The end of a log is where a torn write and a lost one are told apart.
    const at = random.chance(0.5) ? Math.max(0, used - random.between(1, sectorBytes)) : random.between(0, used - 1);
    // Zeros at the end look as if nothing had been written there: a disk that loses what it said it had flushed, without a
    // trace, is beyond what one node can notice.
    const atEnd = used - at <= 2 * sectorBytes;
    const way = random.pick([
      "a flipped bit",
      "a garbled sector",
      ...(atEnd ? [] : (["a zeroed sector"] as const)),
    ] as const);
    const start = way === "a flipped bit" ? at : at - (at % sectorBytes);
    const length = way === "a flipped bit" ? 1 : Math.min(sectorBytes, used - start);
    const changed = Buffer.from(bytes.subarray(start, start + length));
    for (let i = 0; i < length; i++) {
      if (way === "a flipped bit") changed[i]! ^= 1 << random.between(0, 7);
      else changed[i] = way === "a zeroed sector" ? 0 : random.between(0, 255);
    }
    await file.write(changed, 0, length, start);
    return `${way} at byte ${start} of ${used} in ${kind}/${name}`;
  } finally {
    await file.close();
  }
}

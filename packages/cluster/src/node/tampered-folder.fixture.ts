import type { Entry } from "@quorumguard/raft";
import { openNodeFileSystem } from "../storage/node-file-system.ts";
import { openStorage } from "../storage/open-storage.ts";

/** Replaces the last decided entry of a stopped node by one of the same place that decides another key. */
export async function tamperLastEntry(folder: string): Promise<void> {
  const files = await openNodeFileSystem({ root: folder });
  const storage = await openStorage(files, {
    monotonicMs: () => performance.now(),
    randomBytes: (length) => new Uint8Array(length),
    onFatal: (error) => {
      throw error;
    },
  });
  const index = storage.lastIndex();
  const [entry] = storage.entries(index, index + 1, 1_000_000) as readonly Entry[];
  const data = new Uint8Array(entry!.data);
  data[data.lastIndexOf("a".charCodeAt(0))] = "z".charCodeAt(0);
  if (data.every((byte, at) => byte === entry!.data[at])) throw new Error("the last entry decides no key a");
  await new Promise<void>((resolve) =>
    storage.append({ hardState: null, entries: [{ ...entry!, data }], snapshot: null }, resolve),
  );
  await storage.close();
  await files.close();
}

import { asBuffer, checksum } from "./bytes.ts";
import type { FileSystem } from "./file-system.ts";
import type { Identity } from "./storage.ts";
import { identityAdvice, StorageError } from "./storage-error.ts";

const file = "identity";
const partFile = "identity.part";

/**
 * The file `identity`: one line of JSON, a space, the CRC-32 of the JSON in eight hexadecimal digits, a line feed. It is the last
 * thing that is written when a folder is set up, so that a folder without one never spoke for anybody.
 */
export async function readIdentity(files: FileSystem): Promise<Identity | null> {
  if (!(await files.list("")).includes(file)) return null;
  const handle = await files.open(file, { create: false });
  try {
    const text = asBuffer(await handle.read(0, await handle.size())).toString("utf8");
    const match = /^(\{.*\}) ([0-9a-f]{8})\n$/.exec(text);
    const json = match?.[1];
    if (json === undefined || match?.[2] !== lineChecksum(json)) {
      throw new StorageError(file, 0, `the identity is damaged; ${identityAdvice}`);
    }
    return JSON.parse(json) as Identity;
  } finally {
    await handle.close();
  }
}

/** Writes aside, flushes, renames, flushes the folder. */
export async function writeIdentity(files: FileSystem, identity: Identity): Promise<void> {
  if ((await files.list("")).includes(partFile)) await files.remove(partFile);
  const json = JSON.stringify(identity);
  const handle = await files.open(partFile, { create: true });
  try {
    await handle.write(0, [Buffer.from(`${json} ${lineChecksum(json)}\n`)]);
    await handle.flush();
  } finally {
    await handle.close();
  }
  // Its name is the promise that all the rest is there: the other names of the folder become durable before it.
  await files.flushFolder("");
  await files.rename(partFile, file);
  await files.flushFolder("");
}

/**
 * Refuses a folder that belongs to someone else.
 * @throws {StorageError} naming what the folder holds and what was expected.
 */
export function assertIdentity(
  found: Identity,
  expected: { readonly clusterId?: string; readonly nodeId: number },
): void {
  if (found.nodeId !== expected.nodeId) {
    throw new StorageError(
      file,
      null,
      `the folder belongs to node ${found.nodeId}, not to node ${expected.nodeId}; give each node its own folder`,
    );
  }
  if (expected.clusterId !== undefined && found.clusterId !== expected.clusterId) {
    throw new StorageError(
      file,
      null,
      `the folder belongs to cluster ${found.clusterId}, not to cluster ${expected.clusterId}; use another folder`,
    );
  }
}

/** Refuses an identity that could not be read back from the disk. @throws {RangeError} naming field and value. */
export function validateIdentity(identity: Identity): void {
  if (!/^[0-9a-f]{32}$/.test(identity.clusterId)) {
    throw new RangeError(`clusterId is "${identity.clusterId}", expected 32 lower-case hexadecimal digits`);
  }
  if (!Number.isSafeInteger(identity.nodeId) || identity.nodeId < 1) {
    throw new RangeError(`nodeId is ${identity.nodeId}, expected an integer from 1 to 2^53-1`);
  }
}

function lineChecksum(json: string): string {
  return checksum(Buffer.from(json), 0).toString(16).padStart(8, "0");
}

import { crc32 } from "node:zlib";
import type { FileSystem } from "../storage/file-system.ts";

const file = "founding-nonce";
const partFile = "founding-nonce.part";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The nonce by which a founder is known while the cluster forms (SEMANTICS N3). It is on disk before it is ever spoken: were it
 * drawn anew after a crash, the founders that had already flushed the old one could never agree with this node again,
 * and a replaced disk could not be told from a restart.
 */
export async function loadFoundingNonce(
  files: FileSystem,
  randomBytes: (length: number) => Uint8Array,
): Promise<string> {
  const names = await files.list("");
  if (names.includes(file)) {
    const handle = await files.open(file, { create: false });
    try {
      const text = decoder.decode(await handle.read(0, await handle.size()));
      const match = /^([0-9a-f]{32}) ([0-9a-f]{8})\n$/.exec(text);
      if (match?.[1] === undefined || match[2] !== check(match[1])) {
        throw new Error(`${file}: the founding nonce is damaged; empty the folder if this node never joined a cluster`);
      }
      return match[1];
    } finally {
      await handle.close();
    }
  }
  if (names.includes(partFile)) await files.remove(partFile);
  const nonce = hex(randomBytes(16));
  const handle = await files.open(partFile, { create: true });
  try {
    await handle.write(0, [encoder.encode(`${nonce} ${check(nonce)}\n`)]);
    await handle.flush();
  } finally {
    await handle.close();
  }
  await files.rename(partFile, file);
  await files.flushFolder("");
  return nonce;
}

/** Bytes as lower-case hexadecimal digits, two each. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

function check(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

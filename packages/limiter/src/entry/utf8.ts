import { EntryError } from "./entry-error.ts";

/** UTF-8 by hand: a pure package has neither TextEncoder nor TextDecoder. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let ascii = 0;
  for (; ascii < text.length; ascii++) {
    const code = text.charCodeAt(ascii);
    if (code >= 0x80) break;
    bytes[ascii] = code;
  }
  let at = ascii;
  for (let i = ascii; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code >= 0xd800 && code < 0xe000) {
      const low = code < 0xdc00 ? text.charCodeAt(i + 1) : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        i++;
      } else {
        code = 0xfffd;
      }
    }
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) bytes[at++] = 0xe0 | (code >> 12);
      else {
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[at++] = 0x80 | (code & 0x3f);
  }
  return bytes.slice(0, at);
}

/** Reads text from UTF-8, by hand. @throws {EntryError} when the bytes are not UTF-8 in its shortest form. */
export function decodeUtf8(bytes: Uint8Array, start: number, length: number): string {
  const end = start + length;
  let text = "";
  for (let i = start; i < end; ) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      i++;
      continue;
    }
    const size = lead >> 5 === 6 ? 2 : lead >> 4 === 14 ? 3 : lead >> 3 === 30 ? 4 : 0;
    if (size === 0 || i + size > end)
      throw new EntryError(`a name has byte ${lead} at offset ${i}, which is not UTF-8`);
    let code = lead & (0xff >> (size + 1));
    for (let j = 1; j < size; j++) {
      const next = bytes[i + j]!;
      if (next >> 6 !== 2) throw new EntryError(`a name has byte ${next} at offset ${i + j}, which is not UTF-8`);
      code = (code << 6) | (next & 0x3f);
    }
    const least = size === 2 ? 0x80 : size === 3 ? 0x800 : 0x10000;
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
      throw new EntryError(`a name has the code point ${code} at offset ${i}, which UTF-8 does not allow there`);
    }
    text += String.fromCodePoint(code);
    i += size;
  }
  return text;
}

/** Text from UTF-8, or null when the bytes are not UTF-8 in its shortest form. */
export function textOf(bytes: Uint8Array, start: number, length: number): string | null {
  // Most names are ASCII, and need no checks but that.
  let text = "";
  for (let i = start; i < start + length; i++) {
    if (bytes[i]! < 0x80) {
      text += String.fromCharCode(bytes[i]!);
      continue;
    }
    try {
      return decodeUtf8(bytes, start, length);
    } catch {
      return null;
    }
  }
  return text;
}

/** Remembers the last text it encoded: a stream names the same namespace and policy over and over. */
export function createUtf8Cache(): (text: string) => Uint8Array {
  let lastText = "";
  let lastBytes = new Uint8Array(0);
  return (text) => {
    if (text !== lastText) {
      lastBytes = Uint8Array.from(encodeUtf8(text));
      lastText = text;
    }
    return lastBytes;
  };
}

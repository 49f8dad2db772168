const escapes: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

/** The bytes of `text` in UTF-8: the core's types know no encoder of any platform. */
export function encodeText(text: string): Uint8Array {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at++) {
    if (escaped[at] !== "%") {
      bytes.push(escaped.charCodeAt(at));
      continue;
    }
    bytes.push(Number.parseInt(escaped.slice(at + 1, at + 3), 16));
    at += 2;
  }
  return Uint8Array.from(bytes);
}

/** `bytes` between double quotes, as the scripts print data: text is shown, all else is escaped. */
export function quote(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at]!;
    const character = characterAt(bytes, at);
    if (character === null) {
      text += `\\x${hex(byte, 2)}`;
      at++;
      continue;
    }
    text += escapes[byte] ?? shown(character);
    at += encodeText(character).length;
  }
  return `"${text}"`;
}

function shown(character: string): string {
  const code = character.codePointAt(0)!;
  if (character === " " || printable.test(character)) return character;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

/** The character whose UTF-8 begins at `at`, or null if no character's does. */
function characterAt(bytes: Uint8Array, at: number): string | null {
  const lead = bytes[at]!;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const parts = [...bytes.subarray(at, at + length)].map((byte) => `%${hex(byte, 2)}`);
  try {
    const text = decodeURIComponent(parts.join(""));
    return [...text].length === 1 ? text : null;
  } catch {
    return null;
  }
}

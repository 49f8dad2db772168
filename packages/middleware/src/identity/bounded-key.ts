/** What a guard takes as a key, at most. */
const maxKeyBytes = 512;
const loneSurrogate = /\p{Surrogate}/u;
const encoder = new TextEncoder();

/**
 * A key of `label`, such as `user:`, and a text from the request. A guard takes 1 to 512 bytes of UTF-8 and refuses the rest, and
 * what a stranger sends must not become an error of the server's: a text that does not fit is replaced by its SHA-256 behind a
 * label of its own, `user-sha256:`, which no short text can have.
 */
export async function boundedKey(label: string, text: string): Promise<string> {
  const plain = label + text;
  // A UTF-16 unit takes at most three bytes, so short texts need no count.
  const fits = plain.length * 3 <= maxKeyBytes || encoder.encode(plain).length <= maxKeyBytes;
  if (fits && !loneSurrogate.test(plain)) return plain;
  // JSON writes halves of surrogate pairs as escapes, so that different texts stay different.
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(JSON.stringify(text)));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${label === "" ? "" : label.replace(/:$/, "-")}sha256:${hex}`;
}

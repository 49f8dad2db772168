import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeText, quote } from "./quote.ts";

test("data is printed as text between quotes, and what is no text is escaped", () => {
  expect(quote(encodeText(""))).toBe('""');
  expect(quote(encodeText('say "a\\b"'))).toBe(String.raw`"say \"a\\b\""`);
  expect(quote(Uint8Array.of(0, 7, 8, 9, 10, 11, 12, 13, 27, 127))).toBe(String.raw`"\x00\a\b\t\n\v\f\r\x1b\x7f"`);
  expect(quote(encodeText("é 漢 😀"))).toBe('"é 漢 😀"');
  expect(quote(encodeText("\u00ad\u200b\u{e0001}"))).toBe(String.raw`"\u00ad\u200b\U000e0001"`);
  expect(quote(Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xe6, 0xbc))).toBe(String.raw`"a\xff\xc3(\xe6\xbc"`);
});

test("text is encoded as UTF-8, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(quote(encodeText(text))).toMatch(/^".*"$/u);
      expect(
        decodeURIComponent([...encodeText(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")),
      ).toBe(text);
    }),
  );
});

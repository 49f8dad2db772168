import { base64Encode } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { tokenLifeMs } from "./token-life.ts";

const nowS = 1_800_000_000;
const payload = (claims: unknown) =>
  base64Encode(
    Uint8Array.from(JSON.stringify(claims), (char) => char.charCodeAt(0)),
    "url",
  );
const token = (claims: unknown) => `e30.${payload(claims)}.c2ln`;
const life = (claims: unknown, wallMs = nowS * 1_000) => tokenLifeMs(token(claims), wallMs);

test("a token is kept for as long as its maker says", () => {
  expect(life({ iat: nowS, exp: nowS + 300 })).toBe(300_000);
});

test.each([-3, 3])("a clock of ours that is %i hours off does not make it shorter or longer", (hours) => {
  expect(life({ iat: nowS, exp: nowS + 300 }, (nowS + hours * 3_600) * 1_000)).toBe(300_000);
});

test("one that was made earlier is kept for what is left of it", () => {
  expect(life({ iat: nowS - 200, exp: nowS + 100 })).toBe(100_000);
});

test("one that does not say when it was made is kept until it ends by our clock", () => {
  expect(life({ exp: nowS + 60 })).toBe(60_000);
  expect(life({ exp: nowS - 60 })).toBeNull();
});

test.each([
  ["is for one call", token({ iat: nowS, exp: nowS + 30, qg: { once: true } })],
  ["does not end", token({ iat: nowS })],
  ["ends before it begins", token({ iat: nowS, exp: nowS - 1 })],
  ["ends at no number", token({ iat: nowS, exp: "later" })],
  ["is a plain secret", "secret"],
  ["has dots, and no payload", "a.b.c"],
  ["has a payload that is no object", token(null)],
  ["has five parts, as an encrypted one", `e30.${payload({ exp: nowS + 60 })}.a.b.c`],
])("one that %s is not kept", (_, text) => {
  expect(tokenLifeMs(text, nowS * 1_000)).toBeNull();
});

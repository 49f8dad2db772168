import { describe, expect, it } from "vitest";
import { checkTokenKeys, parseTokenKeys } from "./token-keys.ts";
import { ed25519Key, secretKey } from "./tokens.fixture.ts";

const [first, second] = [ed25519Key("2030-01"), secretKey("shared")];

describe("a set of token keys", () => {
  it("holds Ed25519 keys and secrets, whose kind says the algorithm", () => {
    const keys = parseTokenKeys(JSON.stringify({ keys: [first.jwk, { ...second.jwk, alg: "HS256", use: "sig" }] }));
    expect([...keys.values()].map(({ id, algorithm }) => [id, algorithm])).toEqual([
      ["2030-01", "EdDSA"],
      ["shared", "HS256"],
    ]);
  });

  it("finds no key by what objects have by nature", () => {
    const keys = checkTokenKeys({ keys: [first.jwk] });
    expect(["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => keys.get(name))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each([
    ["no JSON", "{", "the key set is not JSON: write"],
    ["a list", [], "the key set is a list: it must be an object"],
    ["a key by itself", first.jwk, "keys is missing: it must be a list"],
    ["no keys", { keys: [] }, "keys is 0 keys: give 1 to 16"],
    ["too many", { keys: Array.from({ length: 17 }, () => first.jwk) }, "keys is 17 keys: give 1 to 16"],
    ["one id twice", { keys: [first.jwk, { ...second.jwk, kid: "2030-01" }] }, 'keys[1].kid is "2030-01": another'],
    ["no id", { keys: [{ ...first.jwk, kid: undefined }] }, "keys[0].kid is missing: give the key an id"],
    ["an empty id", { keys: [{ ...first.jwk, kid: "" }] }, 'keys[0].kid is "": it has 0 bytes and must have 1 to 128'],
    ["a long id", { keys: [{ ...first.jwk, kid: "k".repeat(129) }] }, "it has 129 bytes and must have 1 to 128"],
    ["another kind", { keys: [{ kty: "RSA", kid: "a" }] }, 'keys[0].kty is "RSA": it must be "OKP"'],
    ["another curve", { keys: [{ ...first.jwk, crv: "X25519" }] }, 'keys[0].crv is "X25519": it must be "Ed25519"'],
    ["another algorithm", { keys: [{ ...first.jwk, alg: "HS256" }] }, 'keys[0].alg is "HS256": it must be "EdDSA"'],
    ["no signature", { keys: [{ ...second.jwk, alg: "none" }] }, 'keys[0].alg is "none": it must be "HS256"'],
    ["another use", { keys: [{ ...first.jwk, use: "enc" }] }, 'keys[0].use is "enc": it must be "sig"'],
    ["a short public key", { keys: [{ ...first.jwk, x: "AAAA" }] }, 'keys[0].x is "AAAA": it must be the 32 bytes'],
    ["a private key", { keys: [{ ...first.jwk, d: "A" }] }, "keys[0].d is there: this is a private key"],
    ["a weak secret", { keys: [{ ...second.jwk, k: "c2VjcmV0" }] }, "keys[0].k is 6 bytes: it must be 32 random bytes"],
    ["no base64url", { keys: [{ ...second.jwk, k: "a+b/" }] }, "keys[0].k is not base64url"],
  ])("is refused with %s", (_name, set, message) => {
    const read = () => (typeof set === "string" ? parseTokenKeys(set) : checkTokenKeys(set));
    expect(read).toThrow(message);
  });

  it.each([
    ["not JSON", (text: string) => text.slice(0, -1)],
    ["in the wrong place", (text: string) => text.replace('"k"', '"alg"')],
  ])("shows nothing of a secret that is %s", (_name, spoil) => {
    const text = JSON.stringify({ keys: [second.jwk] });
    expect(() => parseTokenKeys(spoil(text))).toThrow();
    try {
      parseTokenKeys(spoil(text));
    } catch (error) {
      expect(String(error)).not.toContain((second.jwk.k ?? "").slice(0, 8));
    }
  });
});

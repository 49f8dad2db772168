import { Buffer } from "node:buffer";
import { ErrorReason, type TokenGrant } from "@quorumguard/proto";
import { describe, expect, it } from "vitest";
import { rejection } from "../rejection.fixture.ts";
import { certificateIdentity } from "./certificate-identity.ts";
import { reasonOf } from "./token-client.fixture.ts";
import { checkTokenKeys } from "./token-keys.ts";
import { claimsOf, ed25519Key, headerOf, mint, secretKey, tokenOf } from "./tokens.fixture.ts";
import { type VerifiedToken, verifyToken } from "./verify-token.ts";

const [key, secret] = [ed25519Key("one"), secretKey("two")];
const keys = checkTokenKeys({ keys: [key.jwk, secret.jwk] });
const nowMs = 1_900_000_000_500;
const check: TokenGrant = { ops: ["check"] };
const good = claimsOf(check, nowMs);
const verify = (token: string): Promise<VerifiedToken> => verifyToken(token, { keys, audience: "quorumguard", nowMs });
const signed = (claims: object | string, header: object | string = headerOf(key)) =>
  verify(tokenOf(key, header, claims));

describe("a sound token", () => {
  it.each([
    ["Ed25519", key],
    ["a secret", secret],
  ])("of %s is good until its end and what clocks may be apart", async (_name, by) => {
    const token = await verify(tokenOf(by, headerOf(by), good));
    expect(token).toMatchObject({ grant: check, onlyRequestId: null, expiresAtMs: (good.exp + 5) * 1_000 });
  });

  it("is good to the last second, and not a second longer", async () => {
    const token = tokenOf(key, headerOf(key), good);
    const at = (ms: number) => verifyToken(token, { keys, audience: "quorumguard", nowMs: ms });
    const endMs = (good.exp + 5) * 1_000;
    expect((await at(endMs - 1)).expiresAtMs).toBe(endMs);
    expect((await rejection(at(endMs))).detail.reason).toBe(ErrorReason.TOKEN_EXPIRED);
  });

  it.each([
    ["a subject", { sub: "alice", qg: check }, "token:alice"],
    ["a subject and a key", { sub: "alice", qg: { ...check, key: "k" } }, "token:alice"],
    ["nothing", { qg: check }, "token-by:one"],
  ])("with %s is its holder's name for request ids", async (_name, over, identity) => {
    expect((await signed({ ...good, ...over })).identity).toBe(identity);
  });

  it("without a subject is told apart by its key or prefix, and never taken for one with a subject", async () => {
    const grants: TokenGrant[] = [{ ...check, key: "a" }, { ...check, key: "b" }, { ...check, keyPrefix: "a" }, check];
    const subjects = ["key:a", "", "prefix:a"].map((sub) => ({ ...good, ...(sub === "" ? {} : { sub }) }));
    const claims = [...grants.map((qg) => ({ ...good, qg })), ...subjects.filter((each) => "sub" in each)];
    const identities = (await Promise.all(claims.map((each) => signed(each)))).map(({ identity }) => identity);
    expect(new Set(identities).size).toBe(claims.length);
    expect(Buffer.byteLength(identities[0]!)).toBeLessThan(128);
  });

  it.each<[string, TokenGrant]>([
    ["nothing", check],
    ["a key", { ...check, key: "a" }],
    ["a prefix", { ...check, keyPrefix: "a" }],
  ])("without a subject, with %s, is told apart by who signed it; with one, it is not", async (_name, qg) => {
    const identities = async (over: object) => {
      const tokens = [key, secret].map((by) => verify(tokenOf(by, headerOf(by), { ...good, qg, ...over })));
      return new Set((await Promise.all(tokens)).map(({ identity }) => identity)).size;
    };
    expect([await identities({}), await identities({ sub: "alice" })]).toEqual([2, 1]);
  });

  it("keeps to itself what it does not know outside qg", async () => {
    expect((await signed({ ...good, iss: "shop", nbf: good.iat, extra: { a: 1 } })).grant).toEqual(check);
  });

  it("may be for one call, and names its request id", async () => {
    const qg = { ...check, once: true };
    expect((await signed({ ...good, exp: good.iat + 30, jti: "r-1", qg })).onlyRequestId).toBe("r-1");
  });
});

describe("the name of a certificate", () => {
  it("is never one of a token's, and no two become the same", () => {
    const names = ["alice", "token:alice", "certificate:token:alice", "token", "token-key:x", "certificate:"];
    const identities = names.map(certificateIdentity);
    expect(identities[0]).toBe("alice");
    expect(new Set(identities).size).toBe(names.length);
    expect(identities.filter((name) => name.startsWith("token"))).toEqual([]);
  });
});

const grantOf = (qg: unknown) => ({ ...good, qg });
const malformed = ErrorReason.TOKEN_MALFORMED;
const data = tokenOf(key, headerOf(key), good).split(".").slice(0, 2).join(".");

/** The same bytes to whoever passes over the bits behind the last one: in base64url the last character has some to spare. */
function respelt(token: string): string {
  const signature = token.slice(token.lastIndexOf(".") + 1);
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const other = signature.slice(0, -1) + digits[digits.indexOf(signature.at(-1)!) + 1];
  expect(Buffer.from(other, "base64url")).toEqual(Buffer.from(signature, "base64url"));
  return token.slice(0, -signature.length) + other;
}

/** What is wrong, the token, its one reason, and a piece of what the caller reads. */
const refused: readonly (readonly [string, string, ErrorReason, string])[] = [
  ["nothing like a token", "garbage", malformed, "no JWT"],
  ["two parts", data, malformed, "no JWT"],
  ["no signature", `${data}.`, malformed, "no JWT"],
  ["padding", `${mint(key, check)}=`, malformed, "no JWT"],
  ["a signature in another spelling of its bytes", respelt(mint(key, check)), malformed, "bits beyond its last byte"],
  ["that of a secret", respelt(mint(secret, check)), malformed, "bits beyond its last byte"],
  ["a line break", `${mint(key, check)}\n`, malformed, "no JWT"],
  ["5,000 bytes", "a".repeat(5_000), malformed, "5000 bytes: it may have 4096"],
  ["a header that is no JSON", tokenOf(key, "{", good), malformed, "header is no JSON"],
  ["a header that is a list", tokenOf(key, "[]", good), malformed, "header is no JSON"],
  ["another type", tokenOf(key, { ...headerOf(key), typ: "JWT" }, good), malformed, "another typ"],
  ["no type", tokenOf(key, { alg: "EdDSA", kid: "one" }, good), malformed, "another typ"],
  ["crit", tokenOf(key, { ...headerOf(key), crit: ["exp"] }, good), malformed, "crit"],
  ["b64", tokenOf(key, { ...headerOf(key), b64: false, crit: ["b64"] }, good), malformed, "crit"],
  ...["jwk", "jku", "x5u", "x5c"].map(
    (name) => [name, tokenOf(key, { ...headerOf(key), [name]: "x" }, good), malformed, `has ${name}`] as const,
  ),
  ...[undefined, "three", "", "__proto__", "constructor", "../one", 1, ["one"]].map(
    (kid) =>
      [
        `the key id ${JSON.stringify(kid)}`,
        tokenOf(key, { ...headerOf(key), kid }, good),
        ErrorReason.TOKEN_UNKNOWN_KEY,
        "the token's header names",
      ] as const,
  ),
  ...["none", "None", "HS256", "Ed25519", "RS256", undefined].map(
    (alg) =>
      [
        `the algorithm ${JSON.stringify(alg)} for an Ed25519 key`,
        tokenOf(key, { ...headerOf(key), alg }, good),
        ErrorReason.TOKEN_WRONG_ALGORITHM,
        "which is for EdDSA",
      ] as const,
  ),
  [
    "EdDSA for a secret",
    tokenOf(secret, { ...headerOf(secret), alg: "EdDSA" }, good),
    ErrorReason.TOKEN_WRONG_ALGORITHM,
    "which is for HS256",
  ],
  [
    "the signature of another key",
    tokenOf(ed25519Key("one"), headerOf(key), good),
    ErrorReason.TOKEN_BAD_SIGNATURE,
    "was changed since",
  ],
  ["a changed signature", `${data}.${"A".repeat(86)}`, ErrorReason.TOKEN_BAD_SIGNATURE, "was changed since"],
  ["a short signature", `${data}.AAAA`, ErrorReason.TOKEN_BAD_SIGNATURE, "was changed since"],
  [
    "another audience",
    tokenOf(key, headerOf(key), { ...good, aud: "other" }),
    ErrorReason.TOKEN_WRONG_AUDIENCE,
    'another audience than "quorumguard"',
  ],
  [
    "a list of audiences",
    tokenOf(key, headerOf(key), { ...good, aud: ["quorumguard"] }),
    ErrorReason.TOKEN_WRONG_AUDIENCE,
    "a list",
  ],
  [
    "no audience",
    tokenOf(key, headerOf(key), { ...good, aud: undefined }),
    ErrorReason.TOKEN_WRONG_AUDIENCE,
    "another audience",
  ],
  [
    "an end in the past",
    tokenOf(key, headerOf(key), { ...good, iat: good.iat - 600, exp: good.iat - 6 }),
    ErrorReason.TOKEN_EXPIRED,
    "time is over",
  ],
  [
    "more than a day",
    tokenOf(key, headerOf(key), { ...good, exp: good.iat + 86_401 }),
    ErrorReason.TOKEN_EXPIRED,
    "86401 s: it may last 86400 s",
  ],
  [
    "one call and 31 seconds",
    tokenOf(key, headerOf(key), { ...good, exp: good.iat + 31, jti: "r", qg: { ...check, once: true } }),
    ErrorReason.TOKEN_EXPIRED,
    "31 s: it may last 30 s",
  ],
  [
    "a beginning in the future",
    tokenOf(key, headerOf(key), { ...good, iat: good.iat + 6, exp: good.exp + 6 }),
    ErrorReason.TOKEN_NOT_YET_VALID,
    "6 s in the future",
  ],
  [
    "nbf in the future",
    tokenOf(key, headerOf(key), { ...good, nbf: good.iat + 60 }),
    ErrorReason.TOKEN_NOT_YET_VALID,
    "has not come",
  ],
  ...(
    [
      ["a payload that is no object", "[]", "cannot be read"],
      ["no exp", { ...good, exp: undefined }, "exp is missing"],
      ["no iat", { ...good, iat: undefined }, "iat is missing"],
      ["an endless exp", JSON.stringify(good).replace(`"exp":${good.exp}`, '"exp":1e999'), "exp is no such number"],
      ["half a second", { ...good, iat: good.iat - 0.5 }, "iat is no such number"],
      ["words for a time", { ...good, exp: "tomorrow" }, "exp is no number"],
      ["an end before its beginning", { ...good, iat: good.iat + 1, exp: good.iat + 1 }, "exp is"],
      ["a subject that is no string", { ...good, sub: { a: 1 } }, "sub is no string"],
      ["a long subject", { ...good, sub: "s".repeat(129) }, "sub is 129 bytes"],
      ["one call without jti", grantOf({ ...check, once: true }), "jti is no string"],
      ["no grant", { ...good, qg: undefined }, "qg is missing"],
      ["a grant that is a list", grantOf(["check"]), "qg is no object"],
      ["no operations", grantOf({}), "qg.ops is missing"],
      ["an empty list of operations", grantOf({ ops: [] }), "qg.ops is no such list"],
      ["an operation that there is not", grantOf({ ops: ["check", "all"] }), "qg.ops[1] is not an operation"],
      ["an operation of nature", grantOf({ ops: ["__proto__"] }), "qg.ops[0] is not an operation"],
      ["a field that there is not", grantOf({ ...check, limit: 9 }), "qg.limit is not a field"],
      [
        "a field of nature",
        JSON.stringify(grantOf(check)).replace('"ops"', '"__proto__":{"key":"x"},"ops"'),
        "qg.__proto__ is not a field",
      ],
      ["null for a namespace", grantOf({ ...check, ns: null }), "qg.ns is no string"],
      ["no policies", grantOf({ ...check, policies: [] }), "qg.policies is no such list"],
      ["a policy without a name", grantOf({ ...check, policies: [""] }), "qg.policies[0] is 0 bytes"],
      ["65 policies", grantOf({ ...check, policies: Array.from({ length: 65 }, () => "p") }), "qg.policies is no such"],
      ["an empty key", grantOf({ ...check, key: "" }), "qg.key is 0 bytes"],
      ["an empty prefix", grantOf({ ...check, keyPrefix: "" }), "qg.keyPrefix is 0 bytes"],
      [
        "half a character",
        JSON.stringify(grantOf({ ...check, key: "k" })).replace('"k"', '"\\ud800"'),
        "qg.key is not",
      ],
      ["key and prefix", grantOf({ ...check, key: "a", keyPrefix: "a" }), "qg.keyPrefix is there beside qg.key"],
      ["once that is not true", grantOf({ ...check, once: 1 }), "qg.once is not true"],
      [
        "limits of its own under a key",
        grantOf({ ops: ["check", "inline-limits"], key: "a" }),
        "with inline-limits beside a scope",
      ],
      ...[{ key: "a" }, { keyPrefix: "a" }, { policies: ["p"] }].map(
        (over) =>
          [
            `the operators' calls under a ${Object.keys(over)[0]}`,
            grantOf({ ops: ["check", "admin"], ...over }),
            "with admin beside a scope",
          ] as const,
      ),
    ] as const
  ).map(([name, claims, text]) => [name, tokenOf(key, headerOf(key), claims), malformed, text] as const),
];

describe("a token is refused", () => {
  it.each(refused)("with %s", async (_name, token, reason, text) => {
    const error = await rejection(verify(token));
    expect(reasonOf(error.detail)).toBe(reasonOf({ reason }));
    expect(error.message).toContain(text);
    expect(error.code).toBe(16);
  });

  it("that was signed with the bytes of the public key as a secret", async () => {
    const forged = secretKey("one", Buffer.from(key.jwk.x ?? "", "base64url"));
    const error = await rejection(verify(tokenOf(forged, headerOf(forged), good)));
    expect(error.detail.reason).toBe(ErrorReason.TOKEN_WRONG_ALGORITHM);
    const disguised = await rejection(verify(tokenOf(forged, headerOf(key), good)));
    expect(disguised.detail.reason).toBe(ErrorReason.TOKEN_BAD_SIGNATURE);
  });

  it("whose payload was changed", async () => {
    const [header, , signature] = mint(key, check).split(".");
    const payload = Buffer.from(JSON.stringify(grantOf({ ops: ["admin"] }))).toString("base64url");
    const error = await rejection(verify(`${header}.${payload}.${signature}`));
    expect(error.detail.reason).toBe(ErrorReason.TOKEN_BAD_SIGNATURE);
  });
});

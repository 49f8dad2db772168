import { defaultTokenAudience, tokenBounds, tokenType } from "@quorumguard/proto";
import { GuardError } from "@quorumguard/sdk-core";
import { decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import type { MintOptions } from "./mint-options.ts";
import { createTokenIssuer } from "./token-issuer.ts";
import { createTokenKey, type TokenKey } from "./token-key.ts";

const nowMs = 1_800_000_000_700;
const keys: Readonly<Record<"EdDSA" | "HS256", TokenKey>> = {
  EdDSA: await createTokenKey({ id: "one" }),
  HS256: await createTokenKey({ id: "two", algorithm: "HS256" }),
};
const issuer = createTokenIssuer({ key: keys.EdDSA.privateKey, wallMs: () => nowMs });
const scope = { key: "user:42", policies: ["button"] } as const;

/** What a holder of the node's key reads in a token. */
async function claimsOf(token: string, { nodeKey } = keys.EdDSA) {
  const key = await importJWK({ ...nodeKey });
  return (await jwtVerify(token, key, { typ: tokenType, currentDate: new Date(nowMs) })).payload;
}

/** The error of a token that is not made. */
async function refusal(options: unknown, method: "mint" | "mintForServer" = "mint"): Promise<GuardError> {
  const error: unknown = await issuer[method](options as MintOptions & object).catch((thrown: unknown) => thrown);
  if (!(error instanceof GuardError)) throw new Error(`no GuardError: ${String(error)}`);
  return error;
}

describe("a token for a browser", () => {
  test("is for one key under the policies named, to check and to peek, for five minutes", async () => {
    const iat = Math.floor(nowMs / 1_000);
    expect(await claimsOf(await issuer.mint(scope))).toEqual({
      aud: defaultTokenAudience,
      iat,
      exp: iat + 300,
      qg: { ops: ["check", "peek"], policies: ["button"], key: "user:42" },
    });
  });

  test.each(["EdDSA", "HS256"] as const)("names its type, key and algorithm, signed by %s", async (algorithm) => {
    const { privateKey, nodeKey } = keys[algorithm];
    const token = await createTokenIssuer({ key: JSON.stringify(privateKey), wallMs: () => nowMs }).mint(scope);
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, kid: nodeKey.kid, typ: tokenType });
    expect((await claimsOf(token, keys[algorithm])).qg).toMatchObject({ key: "user:42" });
  });

  test("may be for keys with one prefix, another namespace, audience, subject and lifetime", async () => {
    const elsewhere = createTokenIssuer({ key: keys.EdDSA.privateKey, audience: "eu", wallMs: () => nowMs });
    const token = await elsewhere.mint({
      keyPrefix: "user:42:",
      policies: ["a", "b"],
      operations: ["reserve", "check", "check"],
      namespace: "shop",
      subject: "42",
      expiresIn: "90s",
    });
    const { iat, exp, ...rest } = await claimsOf(token);
    expect(exp! - iat!).toBe(90);
    expect(rest).toEqual({
      aud: "eu",
      sub: "42",
      qg: { ops: ["check", "reserve"], ns: "shop", policies: ["a", "b"], keyPrefix: "user:42:" },
    });
  });

  test("for one call carries its request id, and lasts 30 seconds at most", async () => {
    const { iat, exp, jti, qg } = await claimsOf(await issuer.mint({ ...scope, once: "request-1" }));
    expect(jti).toBe("request-1");
    expect(exp! - iat!).toBe(tokenBounds.maxOnceLifetimeS);
    expect(qg).toEqual({ ops: ["check"], policies: ["button"], key: "user:42", once: true });
    expect((await refusal({ ...scope, once: "request-1", expiresIn: "31s" })).message).toContain('"30s"');
    expect((await refusal({ ...scope, once: "request-1", operations: ["peek"] })).details.field).toBe("operations");
  });

  test.each([["reserve"], ["check", "reserve"]] as const)(
    "for one call is not for %s %s: what is reserved could never be settled",
    async (...operations) => {
      const { message, details } = await refusal({ ...scope, once: "request-1", operations });
      expect(details.field).toBe("operations");
      expect(message).toContain("settled by a second call");
    },
  );
});

describe("a token for a server", () => {
  test("is for every key and limit, but not for what operators do", async () => {
    const { qg } = await claimsOf(await issuer.mintForServer());
    expect(qg).toEqual({ ops: ["check", "peek", "reset", "reserve", "inline-limits"] });
  });

  test("is an operator's when it says so", async () => {
    const { qg } = await claimsOf(await issuer.mintForServer({ operations: ["admin"], namespace: "shop" }));
    expect(qg).toEqual({ ops: ["admin"], ns: "shop" });
  });

  test("is bound to no key: who names one is shown where to go", async () => {
    expect((await refusal({ key: "user:42" }, "mintForServer")).message).toContain("made by mint");
  });
});

describe("no token is made", () => {
  const cases: readonly (readonly [string, unknown, string, string])[] = [
    ["without options", undefined, "options", 'key: "user:42"'],
    ["for all keys", { policies: ["button"] }, "key", "mintForServer"],
    ["for a key and a prefix", { ...scope, keyPrefix: "user:" }, "keyPrefix", "not both"],
    ["for an empty key", { ...scope, key: "" }, "key", "1 to 512 bytes"],
    ["for a key that is a number", { ...scope, key: 42 }, "key", "write String(id)"],
    ["for a key of 513 bytes", { ...scope, key: "k".repeat(513) }, "key", "1 to 512"],
    ["for an empty prefix", { policies: ["button"], keyPrefix: "" }, "keyPrefix", "1 to 512 bytes"],
    ["for a prefix that another's key has", { policies: ["button"], keyPrefix: "user:1" }, "keyPrefix", '"user:1:"'],
    ["for a prefix that ends in a letter", { policies: ["button"], keyPrefix: "usér" }, "keyPrefix", "separator"],
    ["for no policy", { key: "user:42" }, "policies", '["button"]'],
    ["for an empty list of policies", { ...scope, policies: [] }, "policies", "1 to 64"],
    ["for 65 policies", { ...scope, policies: Array.from({ length: 65 }, String) }, "policies", "1 to 64"],
    ["for a policy without a name", { ...scope, policies: ["a", ""] }, "policies[1]", "1 to 128 bytes"],
    ["for no operation", { ...scope, operations: [] }, "operations", "at least one"],
    [
      "for limits of its holder's choice",
      { ...scope, operations: ["inline-limits"] },
      "operations[0]",
      "mintForServer",
    ],
    ["for what operators do", { ...scope, operations: ["check", "admin"] }, "operations[1]", "mintForServer"],
    ["for an operation that nobody knows", { ...scope, operations: ["chek"] }, "operations[0]", '"check"'],
    ["for no time", { ...scope, expiresIn: "500ms" }, "expiresIn", "whole seconds"],
    ["for half seconds", { ...scope, expiresIn: "1500ms" }, "expiresIn", "whole seconds"],
    ["for more than a day", { ...scope, expiresIn: "25h" }, "expiresIn", '"1d"'],
    ["for 300, of which the unit is a guess", { ...scope, expiresIn: 300 }, "expiresIn", '"300s"'],
    ["for an empty subject", { ...scope, subject: "" }, "subject", "1 to 128 bytes"],
    ["with a limit", { ...scope, limit: 5 }, "limit", "the limit is the policy's"],
    ["with a misspelt option", { ...scope, expiresin: "5m" }, "expiresin", "did you mean expiresIn?"],
    ["for one call without an id", { ...scope, once: true }, "once", "string"],
  ];
  test.each(cases)("%s", async (_, options, field, bound) => {
    const error = await refusal(options);
    expect(error.code).toBe("invalid_argument");
    expect(error.details.field).toBe(field);
    expect(error.message).toContain(field);
    expect(error.message).toContain(bound);
  });

  test("that is longer than nodes read", async () => {
    const policies = Array.from({ length: 64 }, (_, at) => `${at}-${"p".repeat(100)}`);
    const error = await refusal({ ...scope, policies });
    expect(error.details.field).toBe("policies");
    expect(error.message).toContain(`${tokenBounds.maxBytes}`);
  });
});

describe("no issuer is made", () => {
  const secret = "s".repeat(43);
  const { privateKey, nodeKey } = keys.EdDSA;
  const cases: readonly (readonly [string, unknown, string, string])[] = [
    ["without a key", {}, "key", "readFileSync"],
    ["of a path", { key: "token-key.json" }, "key", "no JSON"],
    ["of what a file has before it is decoded", { key: new Uint8Array(3) }, "key", '"utf8"'],
    ["of a set of keys", { key: { keys: [privateKey] } }, "key.keys", "one key"],
    ["of a key without an id", { key: { ...privateKey, kid: undefined } }, "key.kid", "must be a string"],
    ["of the public part", { key: nodeKey }, "key.d", "give the private one"],
    ["of an RSA key", { key: { ...privateKey, kty: "RSA" } }, "key.kty", "OKP, oct"],
    ["of a key for agreement", { key: { ...privateKey, crv: "X25519" } }, "key.crv", "Ed25519"],
    ["of a key whose algorithm is another's", { key: { ...privateKey, alg: "HS256" } }, "key.alg", '"EdDSA"'],
    ["of a key for encryption", { key: { ...privateKey, use: "enc" } }, "key.use", '"sig"'],
    ["of a key that was cut off", { key: { ...privateKey, d: privateKey.d!.slice(1) } }, "key.d", "32 bytes"],
    ["of a short secret", { key: { kty: "oct", kid: "k", k: secret.slice(1) } }, "key.k", "at least 32 bytes"],
    ["for no audience", { key: privateKey, audience: "" }, "audience", "1 to 128 bytes"],
    ["with an option that nobody reads", { key: privateKey, issuer: "me" }, "issuer", "known are key"],
  ];
  test.each(cases)("%s", (_, options, field, bound) => {
    const make = () => createTokenIssuer(options as never);
    expect(make).toThrow(GuardError);
    expect(make).toThrow(expect.objectContaining({ details: expect.objectContaining({ field }) }));
    expect(make).toThrow(bound);
  });

  test("and no message tells a secret", () => {
    const tell = (key: unknown) => {
      try {
        createTokenIssuer({ key: key as never });
      } catch (error) {
        return `${error} ${JSON.stringify((error as GuardError).details)}`;
      }
      throw new Error("it was taken");
    };
    expect(tell(`{ "kty": "oct", "k": "${secret}"`)).not.toContain(secret);
    expect(tell({ kty: "oct", kid: "k", k: secret.slice(1) })).not.toContain(secret.slice(1));
    expect(tell({ ...privateKey, d: `${privateKey.d}AA` })).not.toContain(privateKey.d);
  });

  test("whose two parts are of two keys signs nothing", async () => {
    const other = await createTokenKey({ id: "other" });
    const mixed = createTokenIssuer({ key: { ...privateKey, x: other.nodeKey.x! } });
    await expect(mixed.mint(scope)).rejects.toThrow("do not belong together");
  });
});

import { Buffer } from "node:buffer";
import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { type tokenAlgorithms, tokenBounds } from "@quorumguard/proto";
import { checkText } from "../check-text.ts";
import { InvalidField, shown } from "../invalid-field.ts";

/** The algorithm of a key: a token's header has no say in it. */
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** A key that tokens are verified with. */
export interface TokenKey {
  readonly id: string;
  readonly algorithm: TokenAlgorithm;
  readonly key: KeyObject;
}

/** The keys in force by their ids. A map, so that no id finds what objects have by nature. */
export type TokenKeys = ReadonlyMap<string, TokenKey>;

/**
 * Reads a JWKS.
 *
 * @throws {InvalidField} naming field, value and bound. Of secrets nothing is shown.
 */
export function parseTokenKeys(text: string): TokenKeys {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own words quote the text around the mistake, and that may be a secret.
    throw new InvalidField("the key set", shown("not JSON"), `write ${example}`);
  }
  return checkTokenKeys(value);
}

const example = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2030-01","x":"…"}]}';

/** Holds a JWKS to its shape and bounds. @throws {InvalidField} naming field, value and bound. */
export function checkTokenKeys(value: unknown): TokenKeys {
  const keys = membersOf(value, "the key set").get("keys");
  if (!Array.isArray(keys)) throw new InvalidField("keys", kindOf(keys), `it must be a list, as in ${example}`);
  const { maxKeys } = tokenBounds;
  if (keys.length < 1 || keys.length > maxKeys) {
    throw new InvalidField(
      "keys",
      shown(`${keys.length} keys`),
      `give 1 to ${maxKeys}: without any, no call is let in`,
    );
  }
  const byId = new Map<string, TokenKey>();
  for (const [at, jwk] of keys.entries()) {
    const key = checkKey(jwk, `keys[${at}]`);
    if (byId.has(key.id))
      throw new InvalidField(`keys[${at}].kid`, key.id, "another key has it too; give each its own");
    byId.set(key.id, key);
  }
  return byId;
}

function checkKey(value: unknown, path: string): TokenKey {
  const jwk = membersOf(value, path);
  const id = jwk.get("kid");
  if (typeof id !== "string") {
    throw new InvalidField(
      `${path}.kid`,
      kindOf(id),
      "give the key an id: tokens say by it which key they were made with",
    );
  }
  checkText(id, `${path}.kid`, 1, tokenBounds.maxNameBytes);
  const use = jwk.get("use");
  if (use !== undefined && use !== "sig") throw new InvalidField(`${path}.use`, kindOf(use), 'it must be "sig"');
  const kind = jwk.get("kty");
  if (kind === "OKP") return { id, algorithm: algorithmOf(jwk, path, "EdDSA"), key: publicKey(jwk, path) };
  if (kind === "oct") return { id, algorithm: algorithmOf(jwk, path, "HS256"), key: secretKey(jwk, path) };
  const bound = 'it must be "OKP" (an Ed25519 public key) or "oct" (a secret for HS256)';
  throw new InvalidField(`${path}.kty`, kindOf(kind), bound);
}

function algorithmOf(jwk: Members, path: string, algorithm: TokenAlgorithm): TokenAlgorithm {
  const given = jwk.get("alg");
  if (given === undefined || given === algorithm) return algorithm;
  throw new InvalidField(`${path}.alg`, kindOf(given), `it must be ${JSON.stringify(algorithm)}, or left out`);
}

function publicKey(jwk: Members, path: string): KeyObject {
  if (jwk.has("d")) {
    const bound = "this is a private key; nodes need its public part alone, which token-key new writes beside it";
    throw new InvalidField(`${path}.d`, shown("there"), bound);
  }
  const curve = jwk.get("crv");
  if (curve !== "Ed25519") throw new InvalidField(`${path}.crv`, kindOf(curve), 'it must be "Ed25519"');
  const x = jwk.get("x");
  const bound = "it must be the 32 bytes of an Ed25519 public key in base64url, 43 characters";
  if (typeof x !== "string" || !/^[\w-]{43}$/.test(x)) throw new InvalidField(`${path}.x`, kindOf(x), bound);
  try {
    return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
  } catch {
    throw new InvalidField(`${path}.x`, x, bound);
  }
}

function secretKey(jwk: Members, path: string): KeyObject {
  const { minSecretBytes } = tokenBounds;
  const k = jwk.get("k");
  const bound = `it must be ${minSecretBytes} random bytes or more, in base64url`;
  if (typeof k !== "string" || !/^[\w-]+$/.test(k)) throw new InvalidField(`${path}.k`, shown("not base64url"), bound);
  const secret = Buffer.from(k, "base64url");
  if (secret.length < minSecretBytes) throw new InvalidField(`${path}.k`, shown(`${secret.length} bytes`), bound);
  return createSecretKey(secret);
}

type Members = ReadonlyMap<string, unknown>;

function membersOf(value: unknown, field: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
  throw new InvalidField(field, kindOf(value), `it must be an object, as in ${example}`);
}

/** Short words as they are; of anything else its kind, since it may be a secret that stands in the wrong place. */
function kindOf(value: unknown): unknown {
  if (typeof value === "string") return value.length <= 20 ? value : shown(`${value.length} characters`);
  if (value === undefined) return shown("missing");
  if (Array.isArray(value)) return shown("a list");
  return typeof value === "object" && value !== null ? shown("an object") : value;
}

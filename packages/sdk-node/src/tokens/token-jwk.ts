import { type TokenJwk, tokenBounds } from "@quorumguard/proto";
import { checkName, checkOneOf, invalidArgument } from "@quorumguard/sdk-core";

/** A {@link TokenJwk} that can sign: the whole of an Ed25519 key, or a secret. Keep it where passwords are kept. */
export interface SigningTokenJwk extends TokenJwk {
  /** Of "OKP", the private part: 32 bytes in base64url. Nodes refuse a key that has it. */
  readonly d?: string;
}

/** A key that was checked, and what its kind makes of tokens. */
export interface CheckedJwk {
  readonly jwk: SigningTokenJwk;
  readonly algorithm: "EdDSA" | "HS256";
}

const ED25519_BYTES = 32;

/**
 * Reads a key from an object or its JSON text, without what it has beside a key's own fields.
 * @throws {GuardError} invalid_argument, naming the field.
 */
export function readTokenJwk(key: unknown, field: string): CheckedJwk {
  const object = typeof key === "string" ? parse(key, field) : key;
  if (typeof object !== "object" || object === null || ArrayBuffer.isView(object)) {
    throw invalidArgument(field, typeof object, 'give the JWK as an object, or its text: readFileSync(path, "utf8")');
  }
  if ("keys" in object) throw invalidArgument(`${field}.keys`, "a set of keys", "give one key of it");
  const jwk = object as Partial<Record<keyof SigningTokenJwk, unknown>>;
  const kid = checkName(jwk.kid, `${field}.kid`);
  const kty = checkOneOf(jwk.kty, `${field}.kty`, ["OKP", "oct"]);
  const algorithm = kty === "OKP" ? "EdDSA" : "HS256";
  if (jwk.alg !== undefined && jwk.alg !== algorithm) {
    throw invalidArgument(`${field}.alg`, jwk.alg, `a key of kty "${kty}" is for "${algorithm}"`);
  }
  if (jwk.use !== undefined && jwk.use !== "sig") throw invalidArgument(`${field}.use`, jwk.use, 'it must be "sig"');
  const common = { kty, kid, alg: algorithm, use: "sig" } as const;
  if (kty === "oct") return { algorithm, jwk: { ...common, k: readSecret(jwk.k, `${field}.k`) } };
  const crv = checkOneOf(jwk.crv, `${field}.crv`, ["Ed25519"]);
  const x = readEd25519(jwk.x, `${field}.x`);
  const d = jwk.d === undefined ? {} : { d: readEd25519(jwk.d, `${field}.d`) };
  return { algorithm, jwk: { ...common, crv, x, ...d } };
}

/** The same for a key that is to sign. @throws {GuardError} invalid_argument, naming the field. */
export function readSigningJwk(key: unknown, field: string): CheckedJwk {
  const checked = readTokenJwk(key, field);
  if (checked.algorithm === "EdDSA" && checked.jwk.d === undefined) {
    throw invalidArgument(
      `${field}.d`,
      undefined,
      "this is the key's public part, which is for nodes; give the private one",
    );
  }
  return checked;
}

function parse(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Neither the text nor what the parser quotes of it: it may hold a secret.
    throw invalidArgument(
      field,
      "a text",
      'it is no JSON; give the text of the key\'s file: readFileSync(path, "utf8")',
    );
  }
}

function readEd25519(value: unknown, field: string): string {
  if (bytesOf(value) !== ED25519_BYTES) throw badBytes(field, value, `${ED25519_BYTES} bytes`);
  return value as string;
}

function readSecret(value: unknown, field: string): string {
  const { minSecretBytes } = tokenBounds;
  if (bytesOf(value) < minSecretBytes) throw badBytes(field, value, `at least ${minSecretBytes} bytes`);
  return value as string;
}

/** Says how long it is, never what it is. */
function badBytes(field: string, value: unknown, bound: string): Error {
  const what = value === undefined ? undefined : `${Math.max(0, bytesOf(value))} bytes`;
  return invalidArgument(field, what, `it must be ${bound} in base64url, without padding`);
}

/** How many bytes a text in base64url stands for; -1: it is no such text. */
function bytesOf(value: unknown): number {
  if (typeof value !== "string" || !/^[\w-]*$/.test(value) || value.length % 4 === 1) return -1;
  return Math.floor((value.length * 3) / 4);
}

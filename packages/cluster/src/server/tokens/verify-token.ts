import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { ErrorReason, type TokenGrant, tokenBounds, tokenType } from "@quorumguard/proto";
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { CallError } from "../call-error.ts";
import { InvalidField, shown } from "../invalid-field.ts";
import { readGrant, text } from "./read-grant.ts";
import type { TokenKey, TokenKeys } from "./token-keys.ts";
import { unauthenticated } from "./token-refusal.ts";

/** A token that this node has made sure of. */
export interface VerifiedToken {
  readonly grant: TokenGrant;
  /** On whose behalf, for request ids (SEMANTICS S7). No certificate's name is ever the same. */
  readonly identity: string;
  /** Whose calls and streams are counted together: those of one identity in one namespace. */
  readonly account: string;
  /** The request id of the only call that it is for; null: it is for any number of calls. */
  readonly onlyRequestId: string | null;
  /** The key that it was signed with. */
  readonly key: TokenKey;
  /** From then on it is over, in milliseconds since 1970: its own end, and what clocks may be apart. */
  readonly expiresAtMs: number;
}

/** Whom tokens must be for, and what they are verified with. */
export interface VerifyTokenOptions {
  readonly keys: TokenKeys;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/**
 * Makes sure of a token. The key is chosen by its id alone, and brings its algorithm along: a header that could choose either
 * would let a stranger verify with what the stranger knows (RFC 8725, sections 3.1 and 3.10). Rejects with a {@link CallError}
 * that has exactly one reason.
 */
export async function verifyToken(
  token: string,
  { keys, audience, nowMs }: VerifyTokenOptions,
): Promise<VerifiedToken> {
  const key = keyOf(token, keys);
  try {
    const { payload } = await jwtVerify(token, key.key, {
      algorithms: [key.algorithm],
      audience,
      clockTolerance: tokenBounds.clockToleranceS,
      currentDate: new Date(nowMs),
      requiredClaims: ["exp", "iat"],
    });
    return readClaims(new Map(Object.entries(payload)), key, Math.floor(nowMs / 1_000));
  } catch (error) {
    throw asRefusal(error, audience);
  }
}

/** Longer ones are not even looked at. */
const maxCharacters = tokenBounds.maxBytes;

/** Three parts in base64url, and nothing else: what a lenient decoder would make of more is not our question. */
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether a part is the only spelling of its bytes. Header and claims are signed as they are spelt; the signature itself is not. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, "base64url").toString("base64url") === part;
}

/** Headers by which a token could bring its own key along. */
const foreignKeys = ["jwk", "jku", "x5u", "x5c"] as const;

function keyOf(token: string, keys: TokenKeys): TokenKey {
  if (token.length > maxCharacters) {
    throw malformed(`the token has ${token.length} bytes: it may have ${maxCharacters}; ask for fewer policies`);
  }
  if (!compactForm.test(token))
    throw malformed("the token is no JWT: it must be three parts in base64url with dots between");
  if (!isCanonical(token.slice(token.lastIndexOf(".") + 1)))
    throw malformed("the token's signature has bits beyond its last byte: send the token as it was made");
  const header = headerOf(token);
  if (header.get("typ") !== tokenType) {
    throw malformed(
      `the token's header has another typ than ${JSON.stringify(tokenType)}: it was not made for QuorumGuard`,
    );
  }
  if (header.has("crit"))
    throw malformed("the token's header has crit: this node knows no extension that it could name");
  const foreign = foreignKeys.find((name) => header.has(name));
  if (foreign !== undefined)
    throw malformed(`the token's header has ${foreign}: keys come from the node's own set, by kid`);
  const id = header.get("kid");
  const key = typeof id === "string" ? keys.get(id) : undefined;
  if (key === undefined) {
    const named = typeof id === "string" ? "a key that this node does not have" : "no key";
    const message = `the token's header names ${named}: mint with a key of --token-keys, and name it by kid`;
    throw unauthenticated(ErrorReason.TOKEN_UNKNOWN_KEY, message);
  }
  if (header.get("alg") !== key.algorithm) {
    const message = `the token's header has another alg than its key, which is for ${key.algorithm}`;
    throw unauthenticated(ErrorReason.TOKEN_WRONG_ALGORITHM, message);
  }
  return key;
}

function headerOf(token: string): ReadonlyMap<string, unknown> {
  try {
    return new Map<string, unknown>(Object.entries(decodeProtectedHeader(token)));
  } catch {
    throw malformed("the token's header is no JSON object in base64url");
  }
}

function readClaims(claims: ReadonlyMap<string, unknown>, key: TokenKey, nowS: number): VerifiedToken {
  const { maxLifetimeS, maxOnceLifetimeS, maxNameBytes, clockToleranceS } = tokenBounds;
  if (typeof claims.get("aud") !== "string") {
    throw unauthenticated(
      ErrorReason.TOKEN_WRONG_AUDIENCE,
      "the token has a list for aud: make one token for each audience",
    );
  }
  const iat = seconds(claims, "iat");
  const exp = seconds(claims, "exp");
  if (exp <= iat) throw new InvalidField("exp", exp, "it must be after iat");
  const grant = readGrant(claims.get("qg"));
  const sub = claims.has("sub") ? text(claims.get("sub"), "sub", 1, maxNameBytes) : null;
  const onlyRequestId = grant.once === true ? text(claims.get("jti"), "jti", 1, maxNameBytes) : null;
  if (iat > nowS + clockToleranceS) {
    const message = `the token was made ${iat - nowS} s in the future by this node's clock: set the clocks`;
    throw unauthenticated(ErrorReason.TOKEN_NOT_YET_VALID, message);
  }
  const longest = onlyRequestId === null ? maxLifetimeS : maxOnceLifetimeS;
  if (exp - iat > longest) {
    const message = `the token was made for ${exp - iat} s: it may last ${longest} s at most`;
    throw unauthenticated(ErrorReason.TOKEN_EXPIRED, message);
  }
  const identity = identityOf(sub, grant, key.id);
  return {
    grant,
    identity,
    account: JSON.stringify([grant.ns ?? "", identity]),
    onlyRequestId,
    key,
    expiresAtMs: (exp + clockToleranceS) * 1_000,
  };
}

function seconds(claims: ReadonlyMap<string, unknown>, name: "iat" | "exp"): number {
  const value = claims.get(name);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidField(name, shown("no such number"), "it must be whole seconds since 1970");
}

/**
 * Subjects are apart from those that have none, and these by who has made the token, as far as its key tells. A key may be longer
 * than a name, so a digest stands for it.
 */
function identityOf(sub: string | null, { key, keyPrefix }: TokenGrant, keyId: string): string {
  if (sub !== null) return `token:${sub}`;
  if (key !== undefined) return `token-key:${digest(keyId, key)}`;
  return keyPrefix === undefined ? `token-by:${keyId}` : `token-prefix:${digest(keyId, keyPrefix)}`;
}

const digest = (...values: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(values)).digest("base64url");

/** The refusal of a token whose time is over. */
export function expired(): CallError {
  return unauthenticated(ErrorReason.TOKEN_EXPIRED, "the token's time is over: fetch a new one");
}

const malformed = (message: string): CallError => unauthenticated(ErrorReason.TOKEN_MALFORMED, message);

/** What went wrong, in our reasons. Whatever is a fault of ours stays one. */
function asRefusal(error: unknown, audience: string): unknown {
  if (error instanceof InvalidField) return malformed(`the token's claim ${error.message}`);
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    const message = "the token was not signed with the key that its header names, or was changed since";
    return unauthenticated(ErrorReason.TOKEN_BAD_SIGNATURE, message);
  }
  if (error instanceof errors.JWTExpired) return expired();
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error, audience);
  if (error instanceof errors.JOSEError) return malformed("the token cannot be read as a JWT");
  return error;
}

function claimRefusal({ claim, reason }: errors.JWTClaimValidationFailed, audience: string): CallError {
  if (claim === "aud") {
    const message = `the token was made for another audience than ${JSON.stringify(audience)}, which this node takes`;
    return unauthenticated(ErrorReason.TOKEN_WRONG_AUDIENCE, message);
  }
  if (claim === "nbf" && reason === "check_failed") {
    const message = "the token's time has not come by this node's clock: set the clocks, or wait";
    return unauthenticated(ErrorReason.TOKEN_NOT_YET_VALID, message);
  }
  return malformed(`the token's claim ${claim} is ${reason === "missing" ? "missing" : "no number"}`);
}

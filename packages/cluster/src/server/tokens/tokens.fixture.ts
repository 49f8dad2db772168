import { Buffer } from "node:buffer";
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { type TokenClaims, type TokenGrant, type TokenJwk, tokenType } from "@quorumguard/proto";

/** A key that makes tokens by hand, so that tests can make those that no library would. */
export interface TestKey {
  readonly id: string;
  readonly algorithm: "EdDSA" | "HS256";
  /** What nodes are given of it. */
  readonly jwk: TokenJwk;
  readonly sign: (data: string) => Buffer;
}

/** A new Ed25519 key. */
export function ed25519Key(id: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  return {
    id,
    algorithm: "EdDSA",
    jwk: { kty: "OKP", crv: "Ed25519", x, kid: id },
    sign: (data) => sign(null, Buffer.from(data), privateKey),
  };
}

/** A secret of 32 bytes, or the one given. */
export function secretKey(id: string, secret: Buffer = randomBytes(32)): TestKey {
  return {
    id,
    algorithm: "HS256",
    jwk: { kty: "oct", k: secret.toString("base64url"), kid: id },
    sign: (data) => createHmac("sha256", secret).update(data).digest(),
  };
}

const base64url = (text: string): string => Buffer.from(text).toString("base64url");

/** Any token whatever: header and payload as they are, as objects or as their text, signed by `key`. */
export function tokenOf(key: Pick<TestKey, "sign">, header: object | string, payload: object | string): string {
  const text = (part: object | string) => (typeof part === "string" ? part : JSON.stringify(part));
  const data = `${base64url(text(header))}.${base64url(text(payload))}`;
  return `${data}.${key.sign(data).toString("base64url")}`;
}

/** The header of a sound token. */
export function headerOf({ id, algorithm }: TestKey): {
  readonly alg: string;
  readonly kid: string;
  readonly typ: string;
} {
  return { alg: algorithm, kid: id, typ: tokenType };
}

/** Sound claims, made now and good for five minutes. */
export function claimsOf(qg: TokenGrant, nowMs = Date.now()): TokenClaims {
  const iat = Math.floor(nowMs / 1_000);
  return { aud: "quorumguard", iat, exp: iat + 300, qg };
}

/** A sound token. */
export function mint(key: TestKey, qg: TokenGrant, over: Partial<TokenClaims> = {}): string {
  return tokenOf(key, headerOf(key), { ...claimsOf(qg), ...over });
}

import { createHmac, createPrivateKey, type JsonWebKey, sign } from "node:crypto";
import { tokenType } from "@quorumguard/proto";
import type { Arena } from "./arena.ts";

/** The parts of a token, before anything is signed. */
export interface Forgery {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Default: the scene's own key, so that nothing but the header or the claims is wrong. */
  readonly signature?: (input: string) => string;
}

/** A token made by hand: what an issuer would refuse to make. */
export function forge({ scene, mine }: Arena, { header = {}, claims = {}, signature }: Forgery): string {
  const nowS = Math.floor(Date.now() / 1_000);
  const { privateKey } = scene.tokenKey;
  const input = [
    { alg: "EdDSA", kid: privateKey.kid, typ: tokenType, ...header },
    {
      ...{ aud: "quorumguard", iat: nowS, exp: nowS + 60, qg: { ops: ["check"], key: mine, policies: ["button"] } },
      ...claims,
    },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const own = (text: string) =>
    sign(null, Buffer.from(text), createPrivateKey({ key: { ...privateKey } as JsonWebKey, format: "jwk" })).toString(
      "base64url",
    );
  return `${input}.${(signature ?? own)(input)}`;
}

/** Signs with what everybody knows of the key, as if it were a secret. */
export function withPublicKeyAsSecret({ scene }: Arena): (input: string) => string {
  const secret = Buffer.from(String(scene.tokenKey.nodeKey.x), "base64url");
  return (input) => createHmac("sha256", secret).update(input).digest("base64url");
}

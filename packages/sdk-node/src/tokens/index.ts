/**
 * Makes tokens on a server of your own: short-lived, signed, and good for one visitor's key under policies that you name. Nothing
 * here connects anywhere, and it runs where Web Cryptography does: Node.js, Deno, Bun and edge runtimes.
 */

export type { TokenJwk, TokenKeySet, TokenOperation } from "@quorumguard/proto";
export type { MintOptions, ScopedOperation, ServerTokenOptions } from "./mint-options.ts";
export { createTokenIssuer, type TokenIssuer, type TokenIssuerOptions } from "./token-issuer.ts";
export type { SigningTokenJwk } from "./token-jwk.ts";
export { createTokenKey, nodeKeySet, type TokenKey, type TokenKeyOptions } from "./token-key.ts";

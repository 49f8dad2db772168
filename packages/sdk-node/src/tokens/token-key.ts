import { type TokenJwk, type TokenKeySet, tokenAlgorithms, tokenBounds } from "@quorumguard/proto";
import { checkName, checkNames, checkOneOf, invalidArgument, knownNames } from "@quorumguard/sdk-core";
import { exportJWK, generateKeyPair } from "jose";
import { readTokenJwk, type SigningTokenJwk } from "./token-jwk.ts";

/** What a new key is made by. */
export interface TokenKeyOptions {
  /** Its id, 1 to 128 bytes of UTF-8. Two keys that are in force at once have two ids: `"2026-11"`, say. */
  readonly id: string;
  /**
   * `"EdDSA"`: nodes get a public part, which makes no tokens. `"HS256"`: they get the secret itself, and whoever reads it there
   * makes tokens. Default `"EdDSA"`.
   */
  readonly algorithm?: "EdDSA" | "HS256" | undefined;
}

/** A key, as whoever makes tokens has it and as nodes have it. */
export interface TokenKey {
  /** For {@link createTokenIssuer}: keep it where passwords are kept. */
  readonly privateKey: SigningTokenJwk;
  /** For nodes, in a set: see {@link nodeKeySet}. Of an HS256 key it is the secret itself, hence as private. */
  readonly nodeKey: TokenJwk;
}

const keyNames = knownNames("an option of a token's key", ["id", "algorithm"], {
  kid: "a key's kid is its `id` here",
  alg: "write algorithm",
});

/**
 * Makes a new key for tokens. The command `quorumguard token-key new` does the same, and writes the files.
 * @throws {GuardError} invalid_argument when an option is unknown or out of bounds.
 */
export async function createTokenKey(options: TokenKeyOptions): Promise<TokenKey> {
  if (typeof options !== "object" || options === null)
    throw invalidArgument("options", options, 'write { id: "2026-11" }');
  checkNames(options, keyNames);
  const kid = checkName(options.id, "id");
  const algorithm = checkOneOf(options.algorithm ?? "EdDSA", "algorithm", tokenAlgorithms);
  if (algorithm === "HS256") {
    const secret = await exportJWK(crypto.getRandomValues(new Uint8Array(tokenBounds.minSecretBytes)));
    const { jwk } = readTokenJwk({ ...secret, kid }, "key");
    return { privateKey: jwk, nodeKey: jwk };
  }
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const { jwk } = readTokenJwk({ ...(await exportJWK(privateKey)), kid }, "key");
  return { privateKey: jwk, nodeKey: withoutPrivatePart(jwk) };
}

/**
 * The set that nodes read with `--token-keys`: of each key what nodes need, whichever part is given, so that the private part of
 * an Ed25519 key never gets there. Write it as JSON. Tokens of every key in it are good, which is how keys are rotated: add the new
 * one, sign with it once all nodes have it, and take the old one out when its last token is over.
 *
 * @throws {GuardError} invalid_argument when there are none or more than 16, when one is no key, or when two have one id.
 */
export function nodeKeySet(keys: readonly (TokenKey | SigningTokenJwk)[]): TokenKeySet {
  const { maxKeys } = tokenBounds;
  if (!Array.isArray(keys)) throw invalidArgument("keys", typeof keys, "give a list of keys");
  if (keys.length === 0 || keys.length > maxKeys)
    throw invalidArgument("keys", keys.length, `give 1 to ${maxKeys} of them`);
  const seen = new Set<string>();
  return {
    keys: keys.map((key: unknown, at) => {
      const field = `keys[${at}]`;
      const isPair = typeof key === "object" && key !== null && "nodeKey" in key;
      const { jwk } = readTokenJwk(isPair ? key.nodeKey : key, field);
      if (seen.has(jwk.kid)) throw invalidArgument(`${field}.kid`, jwk.kid, "another key of the list has this id");
      seen.add(jwk.kid);
      return withoutPrivatePart(jwk);
    }),
  };
}

function withoutPrivatePart({ d: _, ...rest }: SigningTokenJwk): TokenJwk {
  return rest;
}

import { defaultTokenAudience, type TokenClaims, tokenBounds, tokenType } from "@quorumguard/proto";
import { checkName, checkNames, forCaller, invalidArgument, knownNames } from "@quorumguard/sdk-core";
import { type CryptoKey, importJWK, type JWTPayload, SignJWT } from "jose";
import {
  type MintOptions,
  readMintOptions,
  readServerOptions,
  type ServerTokenOptions,
  type TokenContent,
} from "./mint-options.ts";
import { type CheckedJwk, readSigningJwk, type SigningTokenJwk } from "./token-jwk.ts";

/** What makes tokens, and for whom. */
export interface TokenIssuerOptions {
  /**
   * The private key, as an object or as its JSON text: what `quorumguard token-key new` writes, or {@link createTokenKey} makes. Nodes
   * must have its other part, in the file of `--token-keys`.
   */
  readonly key: SigningTokenJwk | string;
  /** Which clusters its tokens are for, 1 to 128 bytes of UTF-8: the nodes' `--token-audience`. Default "quorumguard", which is theirs. */
  readonly audience?: string | undefined;
  /** The time by which tokens begin and end, in milliseconds since 1970, for tests that move it. Default: this machine's. */
  readonly wallMs?: (() => number) | undefined;
}

/** Makes tokens that a cluster's nodes take, with one key. It remembers nothing: make one per process, and share it. */
export interface TokenIssuer {
  /**
   * Makes a token for a browser, or whoever else is not to be trusted: good for one key (or keys with one prefix) under the policies
   * named, and never for a limit of the holder's own choice. Ask first who it is that asks: the key says whose limit is used up.
   *
   * @throws {GuardError} invalid_argument when an option is unknown or out of bounds, or the token would have more than 4,096 bytes.
   */
  mint(options: MintOptions): Promise<string>;
  /**
   * Makes a token for a server of your own, good for every key and limit of a namespace. Whoever holds it can use up anybody's limit:
   * never hand it to a browser.
   *
   * @throws {GuardError} invalid_argument when an option is unknown or out of bounds.
   */
  mintForServer(options?: ServerTokenOptions): Promise<string>;
}

const issuerNames = knownNames("an option of a token issuer", ["key", "audience", "wallMs"], {
  aud: "write audience",
  privateKey: "write key",
});

/**
 * Makes an issuer of tokens, for a server of your own that knows who its visitors are.
 * @throws {GuardError} invalid_argument when an option is unknown or out of bounds, or the key is none that can sign.
 */
export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  return forCaller(createTokenIssuer, () => issuerOf(options));
}

function issuerOf(options: TokenIssuerOptions): TokenIssuer {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", typeof options, 'write { key: readFileSync("token-key.json", "utf8") }');
  }
  checkNames(options, issuerNames);
  const { audience = defaultTokenAudience, wallMs = Date.now } = options;
  const checked = readSigningJwk(options.key, "key");
  checkName(audience, "audience");
  if (typeof wallMs !== "function") throw invalidArgument("wallMs", typeof wallMs, "it must be a function");
  let imported: Promise<CryptoKey | Uint8Array> | null = null;
  const sign = async (content: TokenContent): Promise<string> => {
    imported ??= importKey(checked);
    return signed(claimsOf(content, audience, wallMs()), checked, await imported);
  };
  return {
    mint: async (mintOptions) => sign(readMintOptions(mintOptions)),
    mintForServer: async (serverOptions = {}) => sign(readServerOptions(serverOptions)),
  };
}

function claimsOf({ grant, lifetimeS, sub, jti }: TokenContent, aud: string, wallMs: number): TokenClaims {
  const iat = Math.floor(wallMs / 1_000);
  return {
    aud,
    iat,
    exp: iat + lifetimeS,
    ...(sub !== undefined && { sub }),
    ...(jti !== undefined && { jti }),
    qg: grant,
  };
}

async function signed(
  claims: TokenClaims,
  { algorithm, jwk }: CheckedJwk,
  key: CryptoKey | Uint8Array,
): Promise<string> {
  const token = await new SignJWT(claims as TokenClaims & JWTPayload)
    .setProtectedHeader({ alg: algorithm, kid: jwk.kid, typ: tokenType })
    .sign(key);
  const { maxBytes } = tokenBounds;
  if (token.length <= maxBytes) return token;
  const remedy = `it may have ${maxBytes}; name fewer policies, or give them shorter names`;
  throw invalidArgument("policies", `a token of ${token.length} bytes`, remedy);
}

async function importKey({ algorithm, jwk }: CheckedJwk): Promise<CryptoKey | Uint8Array> {
  try {
    return await importJWK({ ...jwk }, algorithm);
  } catch {
    // The cause is not carried along: it might quote the key.
    throw invalidArgument(
      "key",
      `the key "${jwk.kid}"`,
      "its public and private parts (x and d) do not belong together",
    );
  }
}

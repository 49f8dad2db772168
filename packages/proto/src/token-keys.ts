/**
 * A key as RFC 7517 writes it, with an id, as nodes need it: the public part of an Ed25519 key (`kty` "OKP"), or a secret that is
 * shared with the nodes (`kty` "oct"). With `k` it also makes tokens: keep it where passwords are kept.
 */
export interface TokenJwk {
  /** The key's type: "OKP" for Ed25519, "oct" for a secret. */
  readonly kty: string;
  /** The key's id: 1 to 128 bytes of UTF-8. Tokens name it, and nodes find the key by it. */
  readonly kid: string;
  /** "EdDSA" or "HS256", as the type says. */
  readonly alg?: string;
  /** What the key is for: "sig". */
  readonly use?: string;
  /** Of "OKP", the curve: "Ed25519". */
  readonly crv?: string;
  /** Of "OKP", the public part: 32 bytes in base64url. */
  readonly x?: string;
  /** Of "oct", the secret: at least 32 bytes in base64url. Whoever reads it makes tokens. */
  readonly k?: string;
}

/** What the file of `--token-keys` holds: a JSON Web Key Set (RFC 7517). */
export interface TokenKeySet {
  /** 1 to 16 keys, each with its own `kid`. */
  readonly keys: readonly TokenJwk[];
}

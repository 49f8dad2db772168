/** What a token may be used for. */
export type TokenOperation =
  /** `allow`, `allowAll` and `wait`. */
  | "check"
  /** `peek`. */
  | "peek"
  /** `reset`. */
  | "reset"
  /** `reserve`, and what settles it. */
  | "reserve"
  /** Limits that the caller chooses, beside those of policies. Not together with a scope of keys or policies. */
  | "inline-limits"
  /** What operators do: policies, bans, quotas, members, status. */
  | "admin";

/** All operations, in the order of the documentation. */
export const tokenOperations: readonly TokenOperation[] = [
  "check",
  "peek",
  "reset",
  "reserve",
  "inline-limits",
  "admin",
];

/**
 * What a token allows: the claim `qg` of its payload. A field that is absent does not restrict, but for `ops`: a token does
 * nothing that is not on its list. Fields that a node does not know are refused, since they may restrict.
 */
export interface TokenGrant {
  /** What it may be used for, at least one. */
  readonly ops: readonly TokenOperation[];
  /** The only namespace; absent: the default one, `""`. */
  readonly ns?: string;
  /** The only policies, at least one. */
  readonly policies?: readonly string[];
  /** The only key. Not together with `keyPrefix`. */
  readonly key?: string;
  /** What every key begins with, not empty. */
  readonly keyPrefix?: string;
  /** For one call alone, whose request id is the token's `jti`. It then lasts no longer than request ids are remembered. */
  readonly once?: true;
}

/** The payload of a token: RFC 7519's own claims and ours. Times are whole seconds since 1970. */
export interface TokenClaims {
  /** Which clusters it is for. */
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  /** On whose behalf; request ids of one subject are apart from those of another (SEMANTICS S7). */
  readonly sub?: string;
  /** Of a token for one call: the request id of that call. */
  readonly jti?: string;
  readonly qg: TokenGrant;
}

/** The header's `typ`: a JWT that was made for something else is none of ours (RFC 8725, section 3.11). */
export const tokenType = "quorumguard+jwt";

/** The algorithms that a key may be for. */
export const tokenAlgorithms = ["EdDSA", "HS256"] as const;

/** What every token is held to, by whoever makes it and by every node. */
export const tokenBounds = {
  /** Of the whole token, in bytes. */
  maxBytes: 4_096,
  maxPolicies: 64,
  /** Of `sub`, `aud`, `kid` and `jti`, in bytes of UTF-8. */
  maxNameBytes: 128,
  /** From `iat` to `exp`, in seconds: a day. */
  maxLifetimeS: 86_400,
  /** Of a token for one call: no longer than request ids are remembered by default. */
  maxOnceLifetimeS: 30,
  /** How far clocks may be apart, in seconds. */
  clockToleranceS: 5,
  /** Of the secret of an HS256 key, in bytes (RFC 7518, section 3.2). */
  minSecretBytes: 32,
  /** Keys that are in force at once. */
  maxKeys: 16,
} as const;

/** The audience of clusters that are told none. */
export const defaultTokenAudience = "quorumguard";

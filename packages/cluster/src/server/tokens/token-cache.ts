import { ErrorReason } from "@quorumguard/proto";
import type { CallError } from "../call-error.ts";
import type { TokenKeys } from "./token-keys.ts";
import { unauthenticated } from "./token-refusal.ts";
import { expired, type VerifiedToken, verifyToken } from "./verify-token.ts";

/** What tokens are held to, and how many are remembered. */
export interface TokenCacheOptions {
  readonly keys: TokenKeys;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Tokens that are remembered; the one that was used least recently goes first. Default 4,096: 16 MiB at most. */
  readonly maxTokens?: number;
}

/**
 * Remembers which tokens are good, by their exact bytes and until their end, so that a token costs one check of its signature and
 * not one for each call. Bad ones are not remembered: whoever can make them up could fill any memory.
 */
export class TokenCache {
  readonly #options: TokenCacheOptions;
  readonly #maxTokens: number;
  #keys: TokenKeys;
  /** In the order of their last use. */
  readonly #good = new Map<string, VerifiedToken>();
  /** Calls of one turn bring the same token: it is checked once for all of them. */
  readonly #checking = new Map<string, Promise<VerifiedToken>>();

  constructor(options: TokenCacheOptions) {
    this.#options = options;
    this.#maxTokens = options.maxTokens ?? 4_096;
    this.#keys = options.keys;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#good.size;
  }

  /** Puts other keys in force. Tokens of those that went are no longer good; the rest is checked again when it comes. */
  replaceKeys(keys: TokenKeys): void {
    this.#keys = keys;
    this.#good.clear();
    this.#checking.clear();
  }

  /** What is to be said against a token that was good before: its key has gone, or its time is over. Null: nothing. */
  objection(token: VerifiedToken): CallError | null {
    const { key } = token;
    const inForce = this.#keys.get(key.id);
    if (inForce?.algorithm !== key.algorithm || !inForce.key.equals(key.key)) {
      const message = "the key that the token was made with has gone out of force: fetch a new one";
      return unauthenticated(ErrorReason.TOKEN_UNKNOWN_KEY, message);
    }
    return this.leftMs(token) > 0 ? null : expired();
  }

  /** How long a token is good for from now, in milliseconds; negative once it is over. */
  leftMs({ expiresAtMs }: VerifiedToken): number {
    return expiresAtMs - this.#options.wallMs();
  }

  /** Makes sure of a token; at once if it is remembered. Rejects, or throws, with a CallError that has one TOKEN_* reason. */
  verify(token: string): VerifiedToken | Promise<VerifiedToken> {
    const known = this.#good.get(token);
    if (known === undefined) return this.#checking.get(token) ?? this.#check(token);
    this.#good.delete(token);
    if (this.leftMs(known) <= 0) throw expired();
    this.#good.set(token, known);
    return known;
  }

  #check(token: string): Promise<VerifiedToken> {
    const keys = this.#keys;
    const { audience, wallMs } = this.#options;
    // Keys that went while it was being checked take it with them, and it may be one of those that came.
    const settle = (): boolean => this.#keys === keys && this.#checking.delete(token);
    const checked = verifyToken(token, { keys, audience, nowMs: wallMs() }).then(
      (verified) => {
        if (!settle()) return this.verify(token);
        this.#remember(token, verified);
        return verified;
      },
      (error: unknown) => {
        if (!settle()) return this.verify(token);
        throw error;
      },
    );
    this.#checking.set(token, checked);
    return checked;
  }

  #remember(token: string, verified: VerifiedToken): void {
    this.#good.set(token, verified);
    if (this.#good.size <= this.#maxTokens) return;
    const [oldest] = this.#good.keys();
    this.#good.delete(oldest!);
  }
}

import { ErrorReason } from "@quorumguard/proto";
import type { CallError } from "../call-error.ts";
import { authorizeAdmin, authorizeOperation, authorizeRequestId, isForVisitors } from "./grant.ts";
import { methodAccess } from "./method-access.ts";
import type { TokenCache } from "./token-cache.ts";
import { unauthenticated } from "./token-refusal.ts";
import type { TokenUsage } from "./token-usage.ts";
import { certificateIdentity, type VerifiedToken } from "./verify-token.ts";

/** What a listener knows of a call before it reads the request. */
export interface Knock {
  /** The method, such as `/quorumguard.v1.GuardService/Allow`. */
  readonly path: string;
  /** Every `authorization` header, as it came. */
  readonly authorization: readonly string[];
  /** The name in the caller's certificate, which the listener has verified; null: there is none. */
  readonly certificate: string | null;
}

/** Who calls, as far as anybody can tell. */
export interface Caller {
  /** Request ids are scoped by it (SEMANTICS S7). Empty: not told. */
  readonly identity: string;
  /** What the caller may do; null: everything. */
  readonly token: VerifiedToken | null;
}

/** Lets calls in, at both listeners alike. */
export interface AccessGate {
  /** Rejects, or throws, with the CallError to answer with. */
  admit(knock: Knock): Caller | Promise<Caller>;
  /** Whether a stream that was let in with this token may go on; else what to end it with. */
  objection(token: VerifiedToken): CallError | null;
  /** How long a token is good for from now, in milliseconds; negative once it is over. */
  leftMs(token: VerifiedToken): number;
  /** Calls when other keys are in force, so that streams can be looked at again. Returns what ends it. */
  onKeys(listener: () => void): () => void;
  /**
   * Counts the calls of a visitor's request, before they go any further: all but the one that letting it in has counted.
   *
   * @throws {CallError} TOKEN_OVERUSED
   */
  spend(token: VerifiedToken, calls: number): void;
  /** Counts a stream that is opened with a token, and returns what ends that. @throws {CallError} TOKEN_OVERUSED */
  open(token: VerifiedToken): () => void;
  /** Counts an error if it refuses a token; any other is none of its business. */
  refused(error: unknown): void;
}

/** Whoever calls a node without token keys: everybody may do everything. */
export function openCaller(certificate: string | null): Caller {
  return { identity: certificate ?? "", token: null };
}

/** The gate of a node with token keys, and what it needs. */
export interface AccessGateOptions {
  readonly tokens: TokenCache;
  readonly usage: TokenUsage;
  /** Hears of every refusal. */
  readonly refused: (error: unknown) => void;
}

/** A gate that can be told of new keys. */
export interface KeyedGate extends AccessGate {
  /** To be called once other keys are in force. */
  keysChanged(): void;
}

/** A token decides wherever there is one. Without, a verified certificate opens everything, and nothing else does. */
export function createAccessGate({ tokens, usage, refused }: AccessGateOptions): KeyedGate {
  const listeners = new Set<() => void>();
  const admit = async ({ path, authorization, certificate }: Knock): Promise<Caller> => {
    const access = methodAccess(path);
    if (access === "open") return { identity: "", token: null };
    if (authorization.length === 0 && certificate !== null) {
      return { identity: certificateIdentity(certificate), token: null };
    }
    const token = await tokens.verify(bearerToken(authorization));
    // Before its body is read: what is refused costs us as well.
    if (isForVisitors(token.grant)) usage.spend(token.account, 1);
    if (access !== "token") {
      authorizeOperation(token.grant, "admin");
      authorizeRequestId(token, null, "what operators do");
      if (access === "cluster-admin") authorizeAdmin(token.grant, undefined, "the whole cluster");
    }
    return { identity: token.identity, token };
  };
  return {
    async admit(knock) {
      try {
        return await admit(knock);
      } catch (error) {
        refused(error);
        throw error;
      }
    },
    objection: (token) => tokens.objection(token),
    leftMs: (token) => tokens.leftMs(token),
    onKeys(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    spend(token, calls) {
      if (isForVisitors(token.grant)) usage.spend(token.account, calls, 1);
    },
    open(token) {
      try {
        return usage.open(token.account);
      } catch (error) {
        refused(error);
        throw error;
      }
    },
    refused,
    keysChanged() {
      for (const listener of listeners) listener();
    },
  };
}

/** @throws {CallError} unless there is one header, with one token. */
function bearerToken(authorization: readonly string[]): string {
  const [header = "", ...more] = authorization;
  if (more.length > 0) {
    throw unauthenticated(ErrorReason.TOKEN_MALFORMED, `there are ${more.length + 1} authorization headers: send one`);
  }
  const given = header.trim();
  const space = given.search(/\s|$/);
  if (given.slice(0, space).toLowerCase() !== "bearer") {
    const found = given === "" ? "there is no token" : "the authorization is of another scheme than Bearer";
    throw unauthenticated(ErrorReason.TOKEN_MISSING, `${found}: send one as "authorization: Bearer …"`);
  }
  const token = given.slice(space).trim();
  if (token === "") {
    throw unauthenticated(ErrorReason.TOKEN_MALFORMED, 'the token is empty: send one as "authorization: Bearer …"');
  }
  return token;
}

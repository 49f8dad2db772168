import { ErrorReason } from "@quorumguard/proto";
import type { CallError } from "../call-error.ts";
import { certificateIdentity } from "./certificate-identity.ts";
import { authorizeAdmin, authorizeOperation, authorizeRequestId, isForVisitors } from "./grant.ts";
import { methodAccess } from "./method-access.ts";
import type { OpenedKeys } from "./opened-keys.ts";
import { telling } from "./refusals.ts";
import type { TokenCache } from "./token-cache.ts";
import { unauthenticated } from "./token-refusal.ts";
import { callsOfBytes, type TokenUsage } from "./token-usage.ts";
import type { VerifiedToken } from "./verify-token.ts";

/** What a listener knows of a call before it reads the request. */
export interface Knock {
  /** The method, such as `/quorumguard.v1.GuardService/Allow`. */
  readonly path: string;
  /** Every `authorization` header, as it came. */
  readonly authorization: readonly string[];
  /** The name in the caller's certificate, which the listener has verified; null: there is none. */
  readonly certificate: string | null;
  /** How many bytes it says that its request has; 0: it does not say. */
  readonly bytes: number;
}

/** Who calls, as far as anybody can tell. */
export interface Caller {
  /** Request ids are scoped by it (SEMANTICS S7). Empty: not told. */
  readonly identity: string;
  /** What the caller may do; null: everything. */
  readonly token: VerifiedToken | null;
  /** How many calls its request has been counted as so far, if anybody counts: nothing is to be paid twice. */
  readonly paid: number;
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
   * Counts a visitor's request as so many calls, before it goes any further: all but those that it has paid. Returns the caller that
   * has paid them all.
   *
   * @throws {CallError} TOKEN_OVERUSED
   */
  spend(caller: Caller, calls: number): Caller;
  /** Counts the keys that a visitor's request opens, before it goes any further. @throws {CallError} TOKEN_OVERUSED */
  openKeys(token: VerifiedToken, keys: readonly string[]): void;
  /** Counts a stream that is opened with a token, and returns what ends that. @throws {CallError} TOKEN_OVERUSED */
  open(token: VerifiedToken): () => void;
  /** Counts an error if it refuses a token; any other is none of its business. */
  refused(error: unknown): void;
}

/** Whoever may do everything: who shows a certificate, or calls a node without token keys. */
export function openCaller(certificate: string | null): Caller {
  return { identity: certificate ?? "", token: null, paid: 0 };
}

/** The gate of a node with token keys, and what it needs. */
export interface AccessGateOptions {
  readonly tokens: TokenCache;
  readonly usage: TokenUsage;
  readonly openedKeys: OpenedKeys;
  /** Hears of every refusal. */
  readonly refused: (error: unknown) => void;
}

/** A gate that can be told of new keys. */
export interface KeyedGate extends AccessGate {
  /** To be called once other keys are in force. */
  keysChanged(): void;
}

/** A token decides wherever there is one. Without, a verified certificate opens everything, and nothing else does. */
export function createAccessGate({ tokens, usage, openedKeys, refused }: AccessGateOptions): KeyedGate {
  const listeners = new Set<() => void>();
  const spend = (caller: Caller, calls: number): Caller => {
    const { token, paid } = caller;
    if (token === null || !isForVisitors(token.grant) || calls <= paid) return caller;
    usage.spend(token.account, calls, paid);
    return { ...caller, paid: calls };
  };
  const admit = async ({ path, authorization, certificate, bytes }: Knock): Promise<Caller> => {
    const access = methodAccess(path);
    if (access === "open") return openCaller(null);
    if (authorization.length === 0 && certificate !== null) return openCaller(certificateIdentity(certificate));
    const token = await tokens.verify(bearerToken(authorization));
    // Before its body is read: what is refused costs us as well.
    const caller = spend({ identity: token.identity, token, paid: 0 }, callsOfBytes(bytes));
    if (access !== "token") {
      authorizeOperation(token.grant, "admin");
      authorizeRequestId(token, null, "what operators do");
      if (access === "cluster-admin") authorizeAdmin(token.grant, undefined, "the whole cluster");
    }
    return caller;
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
    spend: (caller, calls) => telling(refused, () => spend(caller, calls)),
    openKeys({ grant, account }, keys) {
      // What is bound to one key opens no other.
      if (!isForVisitors(grant) || grant.key !== undefined) return;
      telling(refused, () => openedKeys.open(account, keys));
    },
    open: (token) => telling(refused, () => usage.open(token.account)),
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

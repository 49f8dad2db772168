import { type TokenGrant, type TokenOperation, tokenBounds, tokenOperations } from "@quorumguard/proto";
import {
  checkKey,
  checkName,
  checkNames,
  checkOneOf,
  type Duration,
  invalidArgument,
  knownNames,
  ttlMs,
} from "@quorumguard/sdk-core";

/** What a token that is bound to keys may be used for. A `reset` gives its holder the whole limit again, as often as it asks. */
export type ScopedOperation = Exclude<TokenOperation, "inline-limits" | "admin">;

/** What every token has. */
interface TokenTerms {
  /**
   * How long it is good from now on: whole seconds, "1s" to "1d". A stolen token is good as long, and to fetch a new one costs its
   * holder one request to your server. Default "5m"; of a token for one call "30s", which is also its bound.
   */
  readonly expiresIn?: Duration | undefined;
  /** The namespace that it is for, up to 128 bytes of UTF-8. Default `""`, the namespace of whoever names none. */
  readonly namespace?: string | undefined;
  /**
   * On whose behalf it is used, 1 to 128 bytes of UTF-8. All tokens of one subject are one caller: they share its request ids, and
   * those for visitors share, in one namespace, what a holder may use of each node (100 calls a second, `--token-calls-per-second`,
   * and 1,200 different keys a minute). Default: whoever has the same key, or the same `keyPrefix`: **all pages of one prefix are one holder then, and one busy page leaves
   * the others nothing**. So with a prefix that several users share, give each user a subject. Tokens for servers: the signing key.
   */
  readonly subject?: string | undefined;
}

/** What every token that is bound to keys has. */
interface ScopedTerms extends TokenTerms {
  /** The only policies that its holder may name, 1 to 64. Their limits are yours to say, in the cluster. */
  readonly policies: readonly string[];
  /**
   * What it may be used for. Default `["check", "peek"]`: `allow`, `wait` and `peek`; of a token for one call `["check"]`. For `reserve`
   * under a `requestId` of the holder's own write `["reserve", "peek"]`: how old the hold is, its guard asks by a peek, and without it
   * the `signal` aborts at once.
   */
  readonly operations?: readonly ScopedOperation[] | undefined;
  /**
   * Makes it good for one call alone: the request id of that call, 1 to 128 bytes of UTF-8, that its holder chose and makes the call
   * with. A second call with this token is refused; the same call sent again, as after a lost answer, is not counted twice. Not for `peek`,
   * which has no request id, nor for `reserve`, whose end is a second call.
   */
  readonly once?: string | undefined;
}

/** Whose token it is, and what it is good for: a key, or what its keys begin with, and never both. */
export type MintOptions = ScopedTerms &
  (
    | {
        /** The only key, 1 to 512 bytes of UTF-8: `user:${id}`. */
        readonly key: string;
        readonly keyPrefix?: undefined;
      }
    | {
        /**
         * What every key begins with. It ends with a separator, such as `user:1:`, and one without is refused: `user:1` would also open
         * the keys of user 12.
         */
        readonly keyPrefix: string;
        readonly key?: undefined;
      }
  );

/** What a server of your own may do with its token. It is bound to no key, so it is none for a browser. */
export interface ServerTokenOptions extends TokenTerms {
  /**
   * What it may be used for. Default: all but `"admin"`, which is what a guard of the SDK for Node needs. `["admin"]` is for whoever sets
   * policies and bans.
   */
  readonly operations?: readonly TokenOperation[] | undefined;
}

/** What a token says, but for when, by whom and for which cluster. */
export interface TokenContent {
  readonly grant: TokenGrant;
  readonly lifetimeS: number;
  readonly sub?: string;
  readonly jti?: string;
}

const termNames = ["expiresIn", "namespace", "subject", "operations"] as const;
const lifetime = "write expiresIn";
const mintNames = knownNames("an option of mint", ["key", "keyPrefix", "policies", ...termNames, "once"], {
  policy: "write policies, a list",
  limit: "the limit is the policy's",
  window: "the window is the policy's",
  exp: lifetime,
  ttl: lifetime,
});
const serverNames = knownNames("an option of mintForServer", termNames, {
  key: "a token that is bound to a key is made by mint",
  keyPrefix: "a token that is bound to keys is made by mint",
  policies: "a token that is bound to policies is made by mint",
  exp: lifetime,
  ttl: lifetime,
});

const scopedOperations: readonly ScopedOperation[] = ["check", "peek", "reset", "reserve"];
const separator = /[^\p{L}\p{M}\p{N}]$/u;

/** Checks what a token for a browser is to say. @throws {GuardError} invalid_argument, naming field, value and bound. */
export function readMintOptions(options: MintOptions): TokenContent {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", options, 'write { key: "user:42", policies: ["button"] }');
  }
  checkNames(options, mintNames);
  const jti = options.once === undefined ? undefined : checkName(options.once, "once");
  const ops = readOperations(
    options.operations ?? (jti === undefined ? ["check", "peek"] : ["check"]),
    scopedOperations,
  );
  if (jti !== undefined) checkOnce(ops);
  return {
    grant: {
      ops,
      ...readNamespace(options.namespace),
      policies: readPolicies(options.policies),
      ...readScope(options),
      ...(jti !== undefined && { once: true }),
    },
    ...readTerms(options, jti !== undefined),
    ...(jti !== undefined && { jti }),
  };
}

/** Checks what a token for a server is to say. @throws {GuardError} invalid_argument, naming field, value and bound. */
export function readServerOptions(options: ServerTokenOptions): TokenContent {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", options, 'write { expiresIn: "5m" }');
  }
  checkNames(options, serverNames);
  const all = tokenOperations.filter((operation) => operation !== "admin");
  const ops = readOperations(options.operations ?? all, tokenOperations);
  return { grant: { ops, ...readNamespace(options.namespace) }, ...readTerms(options, false) };
}

/** A token for one call is not for what takes another. */
function checkOnce(ops: readonly ScopedOperation[]): void {
  const remedies: Partial<Record<ScopedOperation, string>> = {
    peek: "peek has no request id, so a token for one call is not for it",
    reserve:
      "what is reserved is settled by a second call, so a token for one call is not for it; leave once out, and write a short expiresIn",
  };
  for (const operation of ops) {
    const remedy = remedies[operation];
    if (remedy !== undefined) throw invalidArgument("operations", ops.join(", "), remedy);
  }
}

function readTerms({ expiresIn, subject }: TokenTerms, once: boolean): Pick<TokenContent, "lifetimeS" | "sub"> {
  const { maxLifetimeS, maxOnceLifetimeS } = tokenBounds;
  const maxS = once ? maxOnceLifetimeS : maxLifetimeS;
  const lifetimeS = ttlMs(expiresIn ?? (once ? "30s" : "5m"), "expiresIn") / 1_000;
  if (!Number.isInteger(lifetimeS) || lifetimeS < 1 || lifetimeS > maxS) {
    const most = once ? `"${maxOnceLifetimeS}s", as the token is for one call` : '"1d"';
    throw invalidArgument("expiresIn", expiresIn, `it must be whole seconds from "1s" to ${most}`);
  }
  return { lifetimeS, ...(subject !== undefined && { sub: checkName(subject, "subject") }) };
}

function readNamespace(namespace: string | undefined): Pick<TokenGrant, "ns"> {
  return namespace === undefined || namespace === "" ? {} : { ns: checkName(namespace, "namespace") };
}

function readScope({ key, keyPrefix }: MintOptions): Pick<TokenGrant, "key" | "keyPrefix"> {
  if (key !== undefined && keyPrefix !== undefined) {
    throw invalidArgument("keyPrefix", keyPrefix, "give key or keyPrefix, not both");
  }
  if (keyPrefix === undefined) {
    if (key !== undefined) return { key: checkKey(key) };
    const remedy = "give key, or keyPrefix; a token for all keys, for a server of your own, is made by mintForServer";
    throw invalidArgument("key", key, remedy);
  }
  if (!separator.test(checkKey(keyPrefix, "keyPrefix"))) {
    const remedy = `end it with a separator, as in "${keyPrefix}:"; without one it opens the keys of others that begin alike`;
    throw invalidArgument("keyPrefix", keyPrefix, remedy);
  }
  return { keyPrefix };
}

function readPolicies(policies: unknown): readonly string[] {
  const { maxPolicies } = tokenBounds;
  if (!Array.isArray(policies)) throw invalidArgument("policies", policies, 'name them in a list: ["button"]');
  if (policies.length === 0 || policies.length > maxPolicies) {
    throw invalidArgument("policies", policies.length, `name 1 to ${maxPolicies} of them`);
  }
  return policies.map((name, at) => checkName(name, `policies[${at}]`));
}

function readOperations<T extends TokenOperation>(operations: unknown, known: readonly T[]): readonly T[] {
  if (!Array.isArray(operations)) throw invalidArgument("operations", operations, 'name them in a list: ["check"]');
  if (operations.length === 0) throw invalidArgument("operations", "an empty list", "name at least one");
  const read = new Set(operations.map((operation, at) => readOperation(operation, `operations[${at}]`, known)));
  return known.filter((operation) => read.has(operation));
}

function readOperation<T extends TokenOperation>(operation: unknown, field: string, known: readonly T[]): T {
  const isServers = !known.includes(operation as T) && tokenOperations.includes(operation as TokenOperation);
  if (isServers)
    throw invalidArgument(field, operation, "a token that is bound to keys is not for this; see mintForServer");
  return checkOneOf(operation, field, known);
}

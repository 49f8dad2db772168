import type { CommandSpec } from "./command-spec.ts";
import { help, tokenAudience, used } from "./common-specs.ts";

/** `quorumguard token-key new`. */
export const tokenKeyNewSpec = {
  name: "token-key new",
  summary: "make a key that tokens are signed with",
  examples: [
    { command: "quorumguard token-key new --id 2030-01", text: "into token-key.json and token-keys.json" },
    { command: "quorumguard token-key new --id 2030-02 --key next.json", text: "one more in the same set" },
  ],
  operands: [],
  flags: [
    {
      name: "id",
      value: "NAME",
      required: true,
      text: "by which tokens name the key, up to 128 bytes; no two in force at once have the same",
    },
    {
      name: "algorithm",
      value: "NAME",
      text: "EdDSA: nodes get a public part, which makes no tokens. HS256: they get the secret itself",
      default: "EdDSA",
      choices: ["EdDSA", "HS256"],
    },
    {
      name: "key",
      value: "FILE",
      text: "where the private key goes, which the server that makes tokens needs; never written over",
      default: "token-key.json",
    },
    {
      name: "token-keys",
      value: "FILE",
      text: "the set of the nodes' --token-keys, to which what they need of it is added; made if absent",
      default: "token-keys.json",
    },
    { name: "json", text: "what was written as one JSON line on standard output" },
    help,
  ],
  notes: [
    "Nodes read the set again by themselves. To rotate: add a key, give the set to all nodes, sign with the new key, and take the old one out once its last token is over.",
  ],
  exitStatuses: [{ status: 0, text: "written" }, { status: 1, text: "a file cannot be written" }, used],
} as const satisfies CommandSpec;

/** `quorumguard token new`. */
export const tokenNewSpec = {
  name: "token new",
  summary: "make a token for operators and servers",
  examples: [
    { command: "quorumguard token new --key token-key.json", text: "for quorumguard status, policy and member" },
    { command: "quorumguard token new --operations check,inline-limits --expires-in 10m" },
  ],
  operands: [],
  flags: [
    { name: "key", value: "FILE", text: "the private key, as token-key new writes it", default: "token-key.json" },
    {
      name: "operations",
      value: "LIST",
      text: "what it is for, with commas between: check, peek, reset, reserve, inline-limits, admin",
      default: "admin",
    },
    { name: "expires-in", value: "DURATION", text: "how long it is good, 1s to 1d", default: "1h" },
    {
      name: "namespace",
      value: "NAME",
      text: "the only namespace that it may limit in, and of an admin token the only one whose policies, bans and quotas it is for",
      otherwise: "the default one; for admin all of them, and the cluster itself",
    },
    {
      name: "subject",
      value: "NAME",
      text: "on whose behalf; the history of policies tells it",
      otherwise: "nobody's",
    },
    { ...tokenAudience, text: "the nodes' --token-audience" },
    { name: "json", text: "the token as one JSON line" },
    help,
  ],
  notes: [
    "Visitors' tokens are made by a server of your own, which knows them: see @quorumguard/sdk-node/tokens.",
    "Whoever has the token may do what it says until it is over: keep it where passwords are kept.",
  ],
  exitStatuses: [{ status: 0, text: "printed" }, { status: 1, text: "failed" }, used],
} as const satisfies CommandSpec;

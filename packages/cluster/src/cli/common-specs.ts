import { devEndpoints } from "@quorumguard/sdk-node/dev-clusters";
import { serverDefaults } from "../server/server-defaults.ts";
import type { FlagSpec } from "./command-spec.ts";

/** The flag that every command has. */
export const help = { name: "help", short: "h", text: "this text" } as const satisfies FlagSpec;

/** The exit status that every command has. */
export const used = { status: 2, text: "wrong usage: standard error says what to write" } as const;

/** Where a command finds the cluster. */
export const endpoints = {
  name: "endpoints",
  value: "LIST",
  repeatable: true,
  text: "gRPC addresses of the cluster, host:port with commas between, any of its nodes; https:// in front for TLS",
  environment: "QUORUMGUARD_ENDPOINTS",
  found: { what: "those of a quorumguard dev that runs here", find: () => devEndpoints()?.join(",") ?? null },
  default: serverDefaults.grpc,
} as const satisfies FlagSpec;

/** Whose certificates a command trusts. */
export const authority = {
  name: "tls-ca",
  value: "FILE",
  text: "the authority of the nodes' certificates, PEM",
  otherwise: "those that Node.js trusts",
} as const satisfies FlagSpec;

/** Who a command is, to nodes that ask for tokens. */
export const tokenFile = {
  name: "token-file",
  value: "FILE",
  text: "a file with the token to show, to nodes with --token-keys",
  otherwise: "$QUORUMGUARD_TOKEN, which is the token itself, if it is set",
} as const satisfies FlagSpec;

/** How a command reaches the cluster. */
export const reaching = [endpoints, authority, tokenFile] as const;

/** Whose tokens a node takes. */
export const tokenKeys = {
  name: "token-keys",
  value: "FILE",
  text: "a JWKS with the keys of callers' tokens, read again when it changes; every call then needs a token, or a certificate of --tls-client-ca; the same keys on all nodes",
  otherwise: "whoever reaches the node may do everything",
} as const satisfies FlagSpec;

/** Whom tokens must be for. */
export const tokenAudience = {
  name: "token-audience",
  value: "NAME",
  text: "whom tokens must be for, so that those of another cluster do not count here; with --token-keys",
  otherwise: serverDefaults.tokenAudience,
} as const satisfies FlagSpec;

/** How much the holder of a visitor's token may ask. */
export const tokenCallsPerSecond = {
  name: "token-calls-per-second",
  value: "N",
  text: "calls a second that a node takes from one holder of tokens that are bound to keys, policies or one call; 5 s worth of them may come at once, and a request is one for each check or for each 4 KiB, whichever is more; with --token-keys",
  otherwise: String(serverDefaults.tokenCallsPerSecond),
  bounds: [1, 1_000_000],
} as const satisfies FlagSpec;

/** How many keys the holder of a visitor's token may use. */
export const visitorKeysPerMinute = {
  name: "visitor-keys-per-minute",
  value: "N",
  text: "different keys a minute that a node takes from one holder of tokens that are bound to a prefix, policies or one call, but to no key; with --token-keys",
  otherwise: String(serverDefaults.visitorKeysPerMinute),
  bounds: [1, 1_000_000],
} as const satisfies FlagSpec;

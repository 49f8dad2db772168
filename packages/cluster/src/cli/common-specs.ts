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

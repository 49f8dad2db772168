import type { ServerOptions } from "@quorumguard/cluster";

/** What a host is told: options of a server that survive JSON, and what its disk is like. */
export interface HostOptions extends Omit<ServerOptions, "files" | "log" | "tls" | "peerTls"> {
  readonly dataFolder: string;
  readonly forgetful: boolean;
}

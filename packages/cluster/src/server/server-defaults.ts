import type { defaultTokenAudience } from "@quorumguard/proto";

/** What a server does unless it is told otherwise; the command's help shows the same values. */
export const serverDefaults = {
  /** Loopback: nobody is exposed by accident. */
  grpc: "127.0.0.1:7400",
  http: "127.0.0.1:7402",
  /** For a node that joins; a founder listens where its cluster's list says. */
  peer: "127.0.0.1:7401",
  drainTimeoutMs: 5_000,
  /**
   * A page that is used by a person never comes near. And one holder of tokens who asks all nodes of the largest cluster as hard as it
   * can takes two thirds of the memory for request ids: of 100,000, 9 × 100 × 60 s, and what may come at once.
   */
  tokenCallsPerSecond: 100,
  /**
   * A person's pages ask for some dozen keys, and a request may have 1,024. And one holder of tokens who opens as many as it can on all
   * nodes of the largest cluster takes two thirds of `maxKeys` with keys that live for an hour: of 1,000,000, 9 × 1,200 × 60.
   */
  visitorKeysPerMinute: 1_200,
  // Not imported: the command's help would wait for the whole wire contract to load.
  tokenAudience: "quorumguard" satisfies typeof defaultTokenAudience,
} as const;

/** The bounds that every message is held to before it reaches a node (DESIGN §3). They are part of the contract, so they are not options. */
export const edgeLimits = {
  maxKeyBytes: 512,
  maxPolicyBytes: 128,
  maxNamespaceBytes: 128,
  maxRequestIdBytes: 128,
  maxClientBytes: 256,
  nonceBytes: 16,
  maxLimit: 2 ** 31 - 1,
  maxCost: 2 ** 31 - 1,
  minWindowUs: 1_000,
  /** 400 days. */
  maxWindowUs: 34_560_000_000_000,
  /** 400 days. */
  maxTtlMs: 34_560_000_000,
  maxItems: 1_024,
  maxMessageBytes: 1_048_576,
} as const;

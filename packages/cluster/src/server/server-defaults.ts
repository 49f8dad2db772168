/** What a server does unless it is told otherwise; the command's help shows the same values. */
export const serverDefaults = {
  /** Loopback: nobody is exposed by accident. */
  grpc: "127.0.0.1:7400",
  http: "127.0.0.1:7402",
  drainTimeoutMs: 5_000,
} as const;

/** The limits of the cases, put in force before they begin. Each case has keys of its own. */
export const policies = {
  /** Exact counts. */
  button: { limit: 10, window: "1h" },
  /** Its countdown ends within a case. */
  countdown: { limit: 2, window: "3s" },
  /** More than any case asks for. */
  plenty: { limit: 1_000_000, window: "1h" },
  /** Of the minute: less than is asked for, so that every window is full. */
  often: { limit: 15, window: "2s" },
  /** Of the minute: a little less than is asked for in all, so that the count must be exact. */
  once: { limit: 580, window: "1h" },
  /** Of whom a token is not for. */
  foreign: { limit: 10, window: "1h" },
} as const;

/** The name of one of them. */
export type PolicyName = keyof typeof policies;

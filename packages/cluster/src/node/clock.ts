/** Time, as a node sees it. Injected everywhere, so that the simulator owns it. */
export interface Clock {
  /** Milliseconds since some fixed moment; never steps. */
  monotonicMs(): number;
  /** Milliseconds since 1970; may step either way. */
  wallMs(): number;
  /** Calls once, no earlier than `delayMs` from now by `monotonicMs`. Returns what cancels it. A pending timer does not keep a process alive. */
  setTimer(callback: () => void, delayMs: number): () => void;
  /** Calls once, after everything that has already arrived was handed over: the end of this turn. */
  endOfTurn(callback: () => void): void;
}

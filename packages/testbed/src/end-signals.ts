/** How a program meets the signals that end it. */
export interface EndSignals {
  /** Resolves with the first signal from now on, so that the program winds down by itself. */
  first(): Promise<void>;
}

/** The part of the process that is needed. */
export type SignalledProcess = Pick<NodeJS.Process, "on" | "exit">;

/**
 * Takes Ctrl-C and the like from now on. A signal that nobody waits for, while the program starts or winds down, makes it leave at
 * once, with status 130: its children end with it.
 */
export function takeEndSignals(program: SignalledProcess = process): EndSignals {
  let windDown: (() => void) | null = null;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    program.on(signal, () => {
      if (windDown === null) program.exit(130);
      windDown?.();
      windDown = null;
    });
  }
  return {
    first: () =>
      new Promise((resolve) => {
        windDown = resolve;
      }),
  };
}

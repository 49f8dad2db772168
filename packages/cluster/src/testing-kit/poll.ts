/** Between two looks, in milliseconds. */
const pauseMs = 2;

/** Resolves with the first value that is not null, in real time. @throws {Error} in the words of `late`, when none is in time. */
export async function poll<T>(probe: () => T | null, timeoutMs: number, late: () => string): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const value = probe();
    if (value !== null) return value;
    if (performance.now() >= endMs) throw new Error(late());
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

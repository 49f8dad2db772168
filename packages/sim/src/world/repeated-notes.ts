import type { Trace } from "./trace.ts";

/**
 * Notes lines that may come hundreds of times: the first of each is kept, then the tenth, the hundredth and so on, with their count;
 * the others are hashed like any event of the machinery.
 */
export function createRepeatedNotes(trace: Trace): (timeUs: number, line: string) => void {
  const counts = new Map<string, number>();
  return (timeUs, line) => {
    const count = (counts.get(line) ?? 0) + 1;
    counts.set(line, count);
    if (count === 1) trace.note(timeUs, line);
    else if (/^10+$/.test(`${count}`)) trace.note(timeUs, `${line} (${count} times by now)`);
    else trace.event(timeUs, line);
  };
}

/**
 * What happened, as lines, and one hash over all of them. Two runs of a seed are the same run if their hashes are equal;
 * the last lines are what a failure prints.
 */
export interface Trace {
  /** An event of the machinery: hashed always, kept only when verbose. */
  event(timeUs: number, line: string): void;
  /** Something a reader of a failure wants to see: hashed and kept. */
  note(timeUs: number, line: string): void;
  /** Bytes that moved: hashed. */
  bytes(bytes: Uint8Array): void;
  /** 16 hexadecimal digits over everything so far. */
  hash(): string;
  /** The last kept lines, oldest first. */
  lines(): readonly string[];
}

/** How much of a trace is kept and shown. */
export interface TraceOptions {
  /** Lines kept, 0 or more. Default 400: enough to see what led to a failure. */
  readonly maxLines?: number;
  /** Keeps and prints the machinery's events too. */
  readonly verbose?: ((line: string) => void) | undefined;
}

/** Makes an empty trace. */
export function createTrace(options: TraceOptions = {}): Trace {
  const maxLines = options.maxLines ?? 400;
  const kept: string[] = [];
  let first = 0x811c9dc5;
  let second = 0x1b873593;

  function mix(value: number): void {
    first = Math.imul(first ^ value, 0x01000193);
    second = Math.imul(((second << 13) | (second >>> 19)) ^ value, 0x9e3779b1);
  }

  function mixLine(timeUs: number, line: string): void {
    mix(timeUs | 0);
    mix(Math.floor(timeUs / 0x1_0000_0000));
    for (let at = 0; at < line.length; at++) mix(line.charCodeAt(at));
  }

  function keep(timeUs: number, line: string): void {
    const text = `${(timeUs / 1000).toFixed(3).padStart(10)} ms  ${line}`;
    kept.push(text);
    if (kept.length > 2 * maxLines) kept.splice(0, kept.length - maxLines);
    options.verbose?.(text);
  }

  return {
    event(timeUs, line) {
      mixLine(timeUs, line);
      if (options.verbose !== undefined) keep(timeUs, line);
    },
    note(timeUs, line) {
      mixLine(timeUs, line);
      keep(timeUs, line);
    },
    bytes(bytes) {
      mix(bytes.length);
      for (let at = 0; at < bytes.length; at++) mix(bytes[at]!);
    },
    hash: () => (first >>> 0).toString(16).padStart(8, "0") + (second >>> 0).toString(16).padStart(8, "0"),
    lines: () => kept.slice(-maxLines),
  };
}

import type { RegisterInput, RegisterOutput } from "../linearizability/cas-register.ts";
import type { Operation } from "../linearizability/model.ts";
import { HistoryError } from "./history-error.ts";
import { type Completion, type HistoryEvent, pairEvents } from "./pair-events.ts";

/** Process, type, function and value, whatever a logger puts before them; the nemesis has no number and is no process. */
const eventPattern = /(?:^|\s)(\d+)\s+:(invoke|ok|fail|info)\s+:([\w-]+)(?:\s+(.*?))?\s*$/;

/**
 * Reads a Jepsen log of one register under read, write and cas. Lines of other kinds are skipped.
 *
 * @throws {HistoryError} when a line of an operation cannot be understood.
 */
export function readRegisterLog(text: string): Operation<RegisterInput, RegisterOutput>[] {
  const events: HistoryEvent<RegisterInput, RegisterOutput>[] = [];
  for (const [at, content] of text.split(/\r?\n/).entries()) {
    const found = eventPattern.exec(content);
    if (found === null) continue;
    const [, process, type, verb, value = "nil"] = found;
    const line = at + 1;
    events.push({
      line,
      process: process!,
      type: type as "invoke" | "ok" | "fail" | "info",
      input: type === "invoke" ? inputOf(verb!, value, line) : null,
      complete: (input) => completionOf(input, type!, value, line),
    });
  }
  return pairEvents(events, unknownEnd);
}

function inputOf(verb: string, value: string, line: number): RegisterInput {
  switch (verb) {
    case "read":
      return { kind: "read" };
    case "write":
      return { kind: "write", value };
    case "cas": {
      const pair = /^\[\s*(\S+?)[\s,]+(\S+?)\s*\]$/.exec(value);
      if (pair === null) throw new HistoryError(`line ${line}: cas has value ${value}, expected [FROM TO]`);
      return { kind: "compareAndSet", from: pair[1]!, to: pair[2]! };
    }
    default:
      throw new HistoryError(`line ${line}: :${verb} is none of :read, :write, :cas`);
  }
}

/** A read that never ended tells nothing; anything else may still take effect. */
function unknownEnd(input: RegisterInput): Completion<RegisterOutput> {
  return input.kind === "read" ? { kind: "dropped" } : { kind: "unknown", output: null };
}

function completionOf(input: RegisterInput, type: string, value: string, line: number): Completion<RegisterOutput> {
  if (type === "info") return unknownEnd(input);
  const done = (output: RegisterOutput): Completion<RegisterOutput> => ({ kind: "done", output });
  if (type === "fail") {
    // A comparison that failed saw another value. Whatever else failed did not happen, and tells nothing.
    return input.kind === "compareAndSet" && value.startsWith("[") ? done({ swapped: false }) : { kind: "dropped" };
  }
  if (value.startsWith(":")) throw new HistoryError(`line ${line}: :ok with value ${value}, expected a result`);
  if (input.kind === "read") return done({ value });
  return done(input.kind === "write" ? { value: input.value } : { swapped: true });
}

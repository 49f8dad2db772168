import type { KeyValueInput, KeyValueOutput } from "../linearizability/key-value.ts";
import type { Operation } from "../linearizability/model.ts";
import { HistoryError } from "./history-error.ts";
import { type Completion, type HistoryEvent, pairEvents } from "./pair-events.ts";

/** A field of an EDN map: `:name value`, the value a text in quotes or one word. */
const fieldPattern = /:([\w-]+)\s+("(?:[^"\\]|\\.)*"|[^\s,{}]+)/gy;

/**
 * Reads a log of one EDN map per line, `{:process 0, :type :invoke, :f :append, :key "1", :value "x"}`, of get, put and
 * append. Blank lines and comments (`;`) are skipped.
 *
 * @throws {HistoryError} when a line cannot be understood.
 */
export function readKeyValueLog(text: string): Operation<KeyValueInput, KeyValueOutput>[] {
  const events: HistoryEvent<KeyValueInput, KeyValueOutput>[] = [];
  for (const [at, content] of text.split(/\r?\n/).entries()) {
    const trimmed = content.trim();
    if (trimmed === "" || trimmed.startsWith(";")) continue;
    events.push(eventOf(readFields(trimmed, at + 1), at + 1));
  }
  return pairEvents(events, unknownEnd);
}

function readFields(map: string, line: number): Map<string, string> {
  if (!map.startsWith("{") || !map.endsWith("}"))
    throw new HistoryError(`line ${line}: expected a map {:process …}, got ${map.slice(0, 60)}`);
  const inner = map.slice(1, -1);
  const fields = new Map<string, string>();
  let at = 0;
  while (at < inner.length) {
    if (/[\s,]/.test(inner[at]!)) {
      at++;
      continue;
    }
    fieldPattern.lastIndex = at;
    const found = fieldPattern.exec(inner);
    if (found === null) throw new HistoryError(`line ${line}: cannot read a field at ${inner.slice(at, at + 40)}`);
    fields.set(found[1]!, found[2]!);
    at = fieldPattern.lastIndex;
  }
  return fields;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\" };

/** A text without its quotes; nil is the empty text; anything else stands for itself. */
function textOf(value: string): string {
  if (!value.startsWith('"')) return value === "nil" ? "" : value;
  return value.slice(1, -1).replace(/\\(.)/g, (whole, letter: string) => escapes[letter] ?? whole);
}

function eventOf(fields: Map<string, string>, line: number): HistoryEvent<KeyValueInput, KeyValueOutput> {
  const field = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw new HistoryError(`line ${line}: field :${name} is missing`);
    return value;
  };
  const type = field("type").replace(/^:/, "");
  if (type !== "invoke" && type !== "ok" && type !== "fail" && type !== "info")
    throw new HistoryError(`line ${line}: :type is ${type}, expected :invoke, :ok, :fail or :info`);
  const value = fields.get("value") ?? "nil";
  return {
    line,
    process: field("process"),
    type,
    input: type === "invoke" ? inputOf(field("f"), field("key"), value, line) : null,
    complete(input) {
      if (type === "info") return unknownEnd(input);
      if (type === "fail") return { kind: "dropped" };
      return { kind: "done", output: input.kind === "get" ? textOf(value) : null };
    },
  };
}

function inputOf(verb: string, key: string, value: string, line: number): KeyValueInput {
  const kind = verb.replace(/^:/, "");
  if (kind !== "get" && kind !== "put" && kind !== "append")
    throw new HistoryError(`line ${line}: :f is ${verb}, expected :get, :put or :append`);
  return { kind, key: textOf(key), value: kind === "get" ? "" : textOf(value) };
}

/** A get that never ended tells nothing; a change may still take effect. */
function unknownEnd(input: KeyValueInput): Completion<KeyValueOutput> {
  return input.kind === "get" ? { kind: "dropped" } : { kind: "unknown", output: null };
}

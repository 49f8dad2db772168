/** One command of a script: its arguments, the lines of its input, and what it is expected to print. */
export interface Directive {
  readonly command: string;
  readonly args: readonly DirectiveArg[];
  readonly input: string;
  readonly expected: string;
  /** Of the command, from 1 on. */
  readonly line: number;
  /** Lines `[outputFrom, outputTo)`, from 0 on, hold the separator and the expected output. */
  readonly outputFrom: number;
  readonly outputTo: number;
}

/** `key`, `key=value` or `key=(value, value)`. */
export interface DirectiveArg {
  readonly key: string;
  readonly values: readonly string[];
}

const separator = "----";

/** The lines of a script, whichever way they end. */
export function linesOf(text: string): readonly string[] {
  return text.split(/\r?\n/);
}

/**
 * Reads a script: `#` comments; a command line (continued by a trailing `\`); optional input; `----`; the expected output up to a
 * blank line, or between two doubled `----` if it contains blank lines.
 * @throws {Error} when a command has no `----`, or doubled ones are not closed.
 */
export function readScript(text: string): readonly Directive[] {
  const lines = linesOf(text);
  const directives: Directive[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = at + 1;
    let head = lines[at++]!.trim();
    if (head === "" || head.startsWith("#")) continue;
    while (head.endsWith("\\")) head = `${head.slice(0, -1).trim()} ${(lines[at++] ?? "").trim()}`;
    const input: string[] = [];
    while (lines[at] !== separator) {
      if (at >= lines.length) throw new Error(`line ${line}: ${head} has no ${separator}`);
      input.push(lines[at++]!);
    }
    const outputFrom = at++;
    const expected: string[] = [];
    if (lines[at] === separator) {
      at++;
      while (!(lines[at] === separator && lines[at + 1] === separator)) {
        if (at >= lines.length) throw new Error(`line ${line}: the doubled ${separator} of ${head} are not closed`);
        expected.push(lines[at++]!);
      }
      at += 2;
    } else {
      while (at < lines.length && lines[at]!.trim() !== "") expected.push(lines[at++]!);
    }
    directives.push({
      ...parseHead(head, line),
      input: input.join("\n").trim(),
      expected: expected.join("\n"),
      line,
      outputFrom,
      outputTo: at,
    });
  }
  return directives;
}

/** The script `text` with other outputs, one per command. */
export function rewriteScript(text: string, outputs: readonly string[]): string {
  const lines = linesOf(text);
  const rewritten: string[] = [];
  let copied = 0;
  readScript(text).forEach(({ outputFrom, outputTo }, position) => {
    const output = outputs[position] ?? "";
    rewritten.push(...lines.slice(copied, outputFrom), separator);
    if (/^\s*$/m.test(output)) rewritten.push(separator, output, separator, separator);
    else rewritten.push(output);
    copied = outputTo;
  });
  return [...rewritten, ...lines.slice(copied)].join("\n");
}

type Head = Pick<Directive, "command" | "args">;

function parseHead(head: string, line: number): Head {
  const command = /^\S+/.exec(head)![0];
  const args: DirectiveArg[] = [];
  let rest = head.slice(command.length).trimStart();
  while (rest !== "") {
    const key = /^[^\s=]*/.exec(rest)![0];
    rest = rest.slice(key.length);
    let values: readonly string[] = [];
    if (rest.startsWith("=(")) {
      const end = closingParenthesis(rest, line);
      values = splitList(rest.slice(2, end));
      rest = rest.slice(end + 1);
    } else if (rest.startsWith("=")) {
      const value = /^=(\S*)/.exec(rest)![1]!;
      values = [value];
      rest = rest.slice(value.length + 1);
    }
    args.push({ key, values });
    rest = rest.trimStart();
  }
  return { command, args };
}

function closingParenthesis(text: string, line: number): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at;
  }
  throw new Error(`line ${line}: unbalanced parentheses in ${text}`);
}

/** Splits at the commas outside of parentheses. */
function splitList(text: string): readonly string[] {
  if (text.trim() === "") return [];
  const values: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    else if (text[at] === "," && depth === 0) {
      values.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...values, text.slice(start).trim()];
}

const logLine = /^\s*(INFO|DEBUG|WARN|ERROR|FATAL) /;

/** Log lines are no part of the behaviour: both sides are compared without them. Nothing left reads "ok". */
export function withoutLogLines(output: string): string {
  const kept = linesOf(output).filter((line) => !logLine.test(line));
  const text = kept.join("\n").trimEnd();
  return text === "" ? "ok" : text;
}

/** One command of a script: its arguments, the lines of its input, and what it is expected to print. */
export interface Directive {
  readonly command: string;
  readonly args: readonly DirectiveArg[];
  readonly input: string;
  readonly expected: string;
  readonly line: number;
}

/** `key`, `key=value` or `key=(value, value)`. */
export interface DirectiveArg {
  readonly key: string;
  readonly values: readonly string[];
}

/**
 * Reads a script: `#` comments; a command line (continued by a trailing `\`); optional input; `----`; the expected output up to a
 * blank line, or between two doubled `----` if it contains blank lines.
 * @throws {Error} when a command has no `----`.
 */
export function readScript(text: string): readonly Directive[] {
  const lines = text.split("\n");
  const directives: Directive[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = at + 1;
    let head = lines[at++]!.trim();
    if (head === "" || head.startsWith("#")) continue;
    while (head.endsWith("\\")) head = `${head.slice(0, -1).trim()} ${(lines[at++] ?? "").trim()}`;
    const input: string[] = [];
    while (lines[at] !== "----") {
      if (at >= lines.length) throw new Error(`line ${line}: ${head} has no ----`);
      input.push(lines[at++]!);
    }
    at++;
    const expected: string[] = [];
    if (lines[at] === "----") {
      at++;
      while (at < lines.length && !(lines[at] === "----" && lines[at + 1] === "----")) expected.push(lines[at++]!);
      at += 2;
    } else {
      while (at < lines.length && lines[at]!.trim() !== "") expected.push(lines[at++]!);
    }
    directives.push({ ...parseHead(head), input: input.join("\n").trim(), expected: expected.join("\n"), line });
  }
  return directives;
}

function parseHead(head: string): { readonly command: string; readonly args: readonly DirectiveArg[] } {
  const command = /^\S+/.exec(head)![0];
  const args: DirectiveArg[] = [];
  let rest = head.slice(command.length).trimStart();
  while (rest !== "") {
    const key = /^[^ =]*/.exec(rest)![0];
    rest = rest.slice(key.length);
    let values: readonly string[] = [];
    if (rest.startsWith("=(")) {
      const end = closingParenthesis(rest);
      values = splitList(rest.slice(2, end));
      rest = rest.slice(end + 1);
    } else if (rest.startsWith("=")) {
      const value = /^=([^ ]*)/.exec(rest)![1]!;
      values = [value];
      rest = rest.slice(value.length + 1);
    }
    args.push({ key, values });
    rest = rest.trimStart();
  }
  return { command, args };
}

function closingParenthesis(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at;
  }
  throw new Error(`unbalanced parentheses in ${text}`);
}

function splitList(text: string): readonly string[] {
  const trimmed = text.trim();
  return trimmed === "" ? [] : trimmed.split(",").map((value) => value.trim());
}

const logLine = /^\s*(INFO|DEBUG|WARN|ERROR) /;

/** Log lines are no part of the behaviour: both sides are compared without them. Nothing left reads "ok". */
export function withoutLogLines(output: string): string {
  const kept = output.split("\n").filter((line) => !logLine.test(line));
  const text = kept.join("\n").trimEnd();
  return text === "" ? "ok" : text;
}

import { parseAllDocuments } from "yaml";
import { commands } from "../../../packages/cluster/src/cli/commands.ts";
import { parseFlags } from "../../../packages/cluster/src/cli/flags.ts";
import { type Fence, fencesOf, type PageSource } from "./page-sources.ts";

/** What the lines of a page may use. */
export interface FenceFacts {
  /** Names of the scripts of the repository's package.json. */
  readonly npmScripts: readonly string[];
}

/** Shown as they are: nothing can be checked about them, or their own check follows below. */
const languages = new Set(["sh", "text", "json", "yaml", "http", "proto", "nginx", "html", "diff"]);
/** Code that a compiler checks, so it is in a file that the compiler sees. */
const compiled = new Set(["ts", "tsx", "js", "jsx", "mjs", "mts", "cjs", "cts", "typescript", "javascript"]);

/** What is wrong with the fenced blocks of a page that somebody wrote: `PAGE:LINE: what, and what to write instead`. */
export function findFenceProblems({ name, text }: PageSource, facts: FenceFacts): readonly string[] {
  return fencesOf(text).flatMap((fence) =>
    problemsOf(fence, facts).map((problem) => `${name}:${fence.line}: ${problem}`),
  );
}

function problemsOf({ language, code }: Fence, facts: FenceFacts): readonly string[] {
  if (compiled.has(language)) {
    return [`a ${language} block is not compiled: put it into a file of docs/src/snippets and show it with <Snippet>`];
  }
  if (language === "") return ["the block names no language: write text behind the fence if it has none"];
  if (!languages.has(language)) return [`${language} is none of ${[...languages].join(", ")}`];
  if (language === "json") return jsonProblems(code);
  if (language === "yaml") {
    return parseAllDocuments(code).flatMap((document) =>
      "errors" in document ? document.errors.map(({ message }) => `does not parse as YAML: ${message}`) : [],
    );
  }
  return language === "sh" ? shellProblems(code, facts) : [];
}

/** One document, or one on each line. */
function jsonProblems(code: string): readonly string[] {
  const parts = code.trim();
  const readable = (part: string) => {
    try {
      JSON.parse(part);
      return null;
    } catch (error) {
      return `does not parse as JSON: ${(error as Error).message}`;
    }
  };
  const whole = readable(parts);
  if (whole === null) return [];
  return parts.split("\n").every((line) => readable(line) === null) ? [] : [whole];
}

function shellProblems(code: string, { npmScripts }: FenceFacts): readonly string[] {
  return commandsOf(code).flatMap((words) => {
    if (words[0] === "npm" && words[1] === "run" && !npmScripts.includes(words[2] ?? "")) {
      return [`npm run ${words[2] ?? ""}: there is no such script; there are ${npmScripts.join(", ")}`];
    }
    const own = ownArguments(words);
    const problem = own === null ? null : commandProblem(own);
    return problem === null ? [] : [`${words.join(" ")}: ${problem}`];
  });
}

/** The arguments of our own program, however it is called; null if the command is another. */
function ownArguments(words: readonly string[]): readonly string[] | null {
  if (words[0] === "quorumguard") return words.slice(1);
  if (words[0] === "npx" && /^(@quorumguard\/cluster|quorumguard)$/.test(words[1] ?? "")) return words.slice(2);
  if (words.slice(0, 4).join(" ") === "npm run quorumguard --") return words.slice(4);
  return null;
}

/** What the program itself would say of its arguments, before it does anything. */
function commandProblem([name, ...args]: readonly string[]): string | null {
  if (/^(--help|-h|help|--version)$/.test(name ?? "")) return null;
  const command = commands.find((known) => known.name === name);
  if (command === undefined)
    return `there is no command ${name ?? ""}; there are ${commands.map((one) => one.name).join(", ")}`;
  try {
    const flags = parseFlags(args, command as (typeof commands)[number] & { readonly flags: readonly never[] });
    if (args.includes("--help")) return null;
    for (const flag of command.flags) readValue(flags as never, flag);
    const wanted = command.operands.map((operand) => operand.name);
    return flags.operands.length === wanted.length ? null : `give ${wanted.join(" ") || "no word"} by their places`;
  } catch (error) {
    return (error as Error).message;
  }
}

interface AnyFlags {
  all(name: string): unknown;
  whole(name: string): unknown;
  choice(name: string): unknown;
}

function readValue(flags: AnyFlags, flag: { name: string; value?: string; bounds?: unknown; choices?: unknown }): void {
  if (flag.value === undefined) return;
  if (flag.bounds !== undefined) flags.whole(flag.name);
  else if (flag.choices !== undefined) flags.choice(flag.name);
  else flags.all(flag.name);
}

/** The simple commands of a script, as words. Comments, variables before a command and redirections are left out. */
export function commandsOf(script: string): readonly (readonly string[])[] {
  const found: string[][] = [[]];
  const token =
    /\\\n|[ \t]+|#[^\n]*|(\n|;|&&|\|\|?|&)|[0-9]?(?:>>?|<)(?:&\d|[ \t]*[^\s;|&]+)|((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\;&|<>])+)/g;
  for (const [, end, word] of script.matchAll(token)) {
    if (end !== undefined) found.push([]);
    else if (word !== undefined) found.at(-1)!.push(unquote(word));
  }
  return found.map(withoutAssignments).filter((words) => words.length > 0);
}

function withoutAssignments(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word));
  return start < 0 ? [] : words.slice(start);
}

function unquote(word: string): string {
  return word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, (_, single, double, escaped) =>
    String(single ?? escaped ?? double.replaceAll(/\\(.)/g, "$1")),
  );
}

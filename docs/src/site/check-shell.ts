import { commandOf, commands } from "../../../packages/cluster/src/cli/commands.ts";
import { parseFlags } from "../../../packages/cluster/src/cli/flags.ts";
import type { FenceFacts } from "./fence-facts.ts";
import { readOptions } from "./options.ts";

/** What is wrong with the commands of a script that readers type: scripts, flags, values and files that do not exist. */
export function shellProblems(code: string, facts: FenceFacts, folder: string): readonly string[] {
  return commandsOf(code).flatMap((words) => {
    const own = ownArguments(words);
    const problem = own === null ? npmProblem(words, facts) : commandProblem(own);
    const found = problem === null ? missingFiles(words, facts, folder) : [problem];
    return found.map((one) => `${words.join(" ")}: ${one}`);
  });
}

/** What is wrong with a call of one of the repository's scripts. */
function npmProblem(words: readonly string[], facts: FenceFacts): string | null {
  if (words[0] !== "npm" || !/^(run|start|test)$/.test(words[1] ?? "")) return null;
  const [script = "", ...rest] = words.slice(words[1] === "run" ? 2 : 1);
  if (!facts.npmScripts.includes(script)) {
    return `there is no script ${script}; there are ${facts.npmScripts.join(", ")}`;
  }
  if (rest.length > 0 && rest[0] !== "--") return `write -- before ${rest[0]}, or npm takes it for its own`;
  const args = rest.slice(1);
  if (script !== "example") return argumentProblem(script, args, facts);
  const [name, ...flags] = args;
  // A name in capitals stands for any.
  if (name === undefined || /^[A-Z]+$/.test(name)) return null;
  const { examples } = facts;
  if (!examples.includes(name)) return `there is no example ${name}; there are ${examples.join(", ")}`;
  return argumentProblem(`example ${name}`, flags, facts);
}

/** Flags are those that the program's own help names, and so are the parts of a list after `--only`. */
function argumentProblem(program: string, args: readonly string[], facts: FenceFacts): string | null {
  if (args.length === 0) return null;
  if (program === "docs") return thrownBy(() => readOptions(args));
  const help = facts.helpOf(program);
  if (help === null) return `${program} takes no flags`;
  const known = new Set(help.match(/--[a-z][a-z-]*/g));
  const named = new Set(help.split(/[^a-z0-9-]+/));
  for (const [at, word] of args.entries()) {
    const [flag = "", given] = word.split("=", 2);
    if (!word.startsWith("-")) {
      const isFolder = at === 0 && /\bFOLDER\b/.test(help);
      if (!isFolder && !args[at - 1]?.startsWith("--")) return `${word} follows no flag`;
      continue;
    }
    if (!known.has(flag)) return `${flag} is not a flag of ${program}; there are ${[...known].join(", ")}`;
    const value = given ?? args[at + 1] ?? "";
    const unknown = flag === "--only" ? value.split(",").filter((part) => !named.has(part)) : [];
    if (unknown.length > 0) return `--only: the help of ${program} names no ${JSON.stringify(unknown[0])}`;
  }
  return null;
}

/** Files that a command names: after `-f` or `-p`, below one of the repository's folders, or a script beside the page. */
function missingFiles(words: readonly string[], facts: FenceFacts, folder: string): readonly string[] {
  const files = words.filter((word, at) => {
    if (/[*{}]/.test(word) || word.startsWith("-")) return false;
    if (words[0] === "docker" && /^(-f|--file)$/.test(words[at - 1] ?? "")) return true;
    return /^(packages|examples|docs|deploy|bench|scripts|node_modules\/\.bin)\/./.test(word) || word.endsWith(".sh");
  });
  return files.filter((file) => !facts.isFile(file, folder)).map((file) => `there is no file ${file}`);
}

function thrownBy(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The arguments of our own program, however it is called; null if the command is another. */
function ownArguments(words: readonly string[]): readonly string[] | null {
  if (words[0] === "quorumguard") return words.slice(1);
  if (words[0] === "npx" && /^(@quorumguard\/cluster|quorumguard)$/.test(words[1] ?? "")) return words.slice(2);
  if (words.slice(0, 4).join(" ") === "npm run quorumguard --") return words.slice(4);
  return null;
}

/** What the program itself would say of its arguments, before it does anything. */
function commandProblem(words: readonly string[]): string | null {
  if (/^(--help|-h|help|--version)$/.test(words[0] ?? "")) return null;
  const found = commandOf(words);
  if (found === null)
    return `there is no command ${words[0] ?? ""}; there are ${commands.map((one) => one.name).join(", ")}`;
  const { spec: command, rest: args } = found;
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

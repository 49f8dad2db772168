import { createInteractionRunner } from "./interaction-commands.ts";
import { createConfChangeRunner, runQuorumDirective } from "./pure-scripts.ts";
import { type Directive, readScript, rewriteScript, withoutLogLines } from "./script-reader.ts";

/** A command that printed something else than its script expects. */
export interface ScriptDifference {
  readonly line: number;
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

/** How a script went. */
export interface ScriptResult {
  readonly commands: number;
  readonly differences: readonly ScriptDifference[];
  /** The script with what its commands really printed, or null if it cannot be read. */
  readonly rewritten: string | null;
}

type Runner = (directive: Directive) => string;

const quorumCommands = new Set(["committed", "vote"]);
const confChangeCommands = new Set(["simple", "enter-joint", "leave-joint"]);

/** What the commands are says what they run on: quorums, a membership, or a whole group. */
function createRunner(directives: readonly Directive[]): Runner {
  if (directives.some(({ command }) => quorumCommands.has(command))) return runQuorumDirective;
  if (directives.some(({ command }) => confChangeCommands.has(command))) return createConfChangeRunner();
  return createInteractionRunner();
}

/** A command that fails on an assertion prints that, and the script goes on: what follows is judged as well. */
function outputOf(run: Runner, directive: Directive): string {
  try {
    return withoutLogLines(run(directive));
  } catch (error) {
    return `crashed: ${(error as Error).stack ?? String(error)}`;
  }
}

/** Runs a script from its text and compares everything but log lines. Never throws: an unreadable script is a difference. */
export function runScript(text: string): ScriptResult {
  const unreadable = (line: number, actual: string): ScriptResult => {
    return { commands: 0, differences: [{ line, command: "", expected: "a script", actual }], rewritten: null };
  };
  let directives: readonly Directive[];
  try {
    directives = readScript(text);
  } catch (error) {
    const { message } = error as Error;
    return unreadable(Number(/^line (\d+)/.exec(message)?.[1] ?? 1), message);
  }
  if (directives.length === 0) return unreadable(1, "no command");
  const run = createRunner(directives);
  const differences: ScriptDifference[] = [];
  const outputs: string[] = [];
  for (const directive of directives) {
    const { line, command } = directive;
    const actual = outputOf(run, directive);
    const expected = withoutLogLines(directive.expected);
    outputs.push(actual);
    if (actual !== expected) differences.push({ line, command, expected, actual });
  }
  return { commands: directives.length, differences, rewritten: rewriteScript(text, outputs) };
}

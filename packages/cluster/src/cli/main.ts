#!/usr/bin/env node
/** The command `quorumguard`. Exit status: 0 done, 1 failed, 2 used wrongly, 3 denied (allow) or different (policy diff). */
import { InvalidField } from "../server/invalid-field.ts";
import { commandOf, commands, program } from "./commands.ts";
import { programHelp } from "./help.ts";
import { nearestName } from "./nearest-name.ts";
import { UsageError } from "./usage-error.ts";

type CommandName = (typeof commands)[number]["name"];
type Run = (args: readonly string[]) => Promise<number>;

/** Each is loaded only when it is asked for, so that help is quick. */
const load: Readonly<Record<CommandName, () => Promise<Run>>> = {
  dev: async () => (await import("./dev-command.ts")).devCommand,
  node: async () => (await import("./node-command.ts")).nodeCommand,
  status: async () => (await import("./status-command.ts")).statusCommand,
  allow: async () => (await import("./allow-command.ts")).allowCommand,
  "policy get": async () => (await import("./policy-commands.ts")).policyGetCommand,
  "policy put": async () => (await import("./policy-commands.ts")).policyPutCommand,
  "policy diff": async () => (await import("./policy-commands.ts")).policyDiffCommand,
  "policy history": async () => (await import("./policy-commands.ts")).policyHistoryCommand,
  "policy rollback": async () => (await import("./policy-commands.ts")).policyRollbackCommand,
  "policy delete": async () => (await import("./policy-commands.ts")).policyDeleteCommand,
  "policy watch": async () => (await import("./policy-watch-command.ts")).policyWatchCommand,
  explain: async () => (await import("./key-commands.ts")).explainCommand,
  top: async () => (await import("./key-commands.ts")).topCommand,
  "ban list": async () => (await import("./key-commands.ts")).banListCommand,
  "ban lift": async () => (await import("./key-commands.ts")).banLiftCommand,
  "member list": async () => (await import("./member-commands.ts")).memberListCommand,
  "member add": async () => (await import("./member-commands.ts")).memberAddCommand,
  "member promote": async () => (await import("./member-commands.ts")).memberPromoteCommand,
  "member remove": async () => (await import("./member-commands.ts")).memberRemoveCommand,
  "member replace": async () => (await import("./member-commands.ts")).memberReplaceCommand,
  "token-key new": async () => (await import("./token-commands.ts")).tokenKeyNewCommand,
  "token new": async () => (await import("./token-commands.ts")).tokenNewCommand,
  "log verify": async () => (await import("./log-verify-command.ts")).logVerifyCommand,
  "log dump": async () => (await import("./log-dump-command.ts")).logDumpCommand,
};

async function main(): Promise<number> {
  // The library would write its own lines between ours; what matters of them is in the errors that it gives.
  process.env.GRPC_VERBOSITY ??= "NONE";
  const typed = process.argv.slice(2);
  const [word] = typed;
  const command = commandOf(typed);
  if (command !== null) return (await load[command.spec.name]())(command.rest);
  const begun = beginningWith(word);
  if (begun.length > 0 && /^(--help|-h)$/.test(typed[1] ?? "")) {
    process.stdout.write(programHelp(program, begun));
    return 0;
  }
  switch (word) {
    case "--version":
      process.stdout.write(`${(await import("../server/version.ts")).version}\n`);
      return 0;
    case "--help":
    case "-h":
    case "help":
      process.stdout.write(programHelp(program, commands));
      return 0;
    case undefined:
      process.stderr.write(programHelp(program, commands));
      return 2;
    default:
      throw new UsageError(`${JSON.stringify(word)} is not a command; ${hint(word)}`);
  }
}

/** Commands of two words, of which this is the first. */
const beginningWith = (word: string | undefined) => commands.filter(({ name }) => name.startsWith(`${word} `));

function hint(word: string): string {
  const begun = beginningWith(word).map(({ name }) => `quorumguard ${name}`);
  if (begun.length > 0) return `there are ${begun.join(" and ")}`;
  const meant = nearestName(
    word,
    commands.map(({ name }) => name),
  );
  return meant === null ? "see quorumguard --help" : `did you mean quorumguard ${meant}?`;
}

/** A mistake in what was typed, whoever noticed it: the command itself or the SDK behind it. */
function isWrongUsage(error: unknown): boolean {
  if (error instanceof UsageError || error instanceof InvalidField) return true;
  return error instanceof Error && (error as { code?: unknown }).code === "invalid_argument";
}

try {
  process.exitCode = await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`quorumguard: ${message}\n`);
  const code = isWrongUsage(error) ? "invalid_argument" : ((error as { code?: unknown }).code ?? "failed");
  // Who asked for JSON parses standard output, whatever comes of it.
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.exitCode = isWrongUsage(error) ? 2 : 1;
}
// Whatever a library left open must not keep a finished command alive; streams are flushed first.
process.stdout.write("", () => process.stderr.write("", () => process.exit()));

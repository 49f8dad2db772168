#!/usr/bin/env node
/** The command `quorumguard`. Exit status: 0 done, 1 failed, 2 used wrongly, 3 (allow only) denied. */
import { InvalidField } from "../server/invalid-field.ts";
import { UsageError } from "./usage-error.ts";

const help = `quorumguard: an exact, replicated rate limiter

  quorumguard dev              three nodes on this machine, to try things out
  quorumguard node             one node of a cluster
  quorumguard status           what every member says of itself
  quorumguard allow KEY LIMIT WINDOW
                               asks for one decision: quorumguard allow user:1 5 1m

  quorumguard COMMAND --help   all flags; --json everywhere
  quorumguard --version
`;

async function main(): Promise<number> {
  // The library would write its own lines between ours; what matters of them is in the errors that it gives.
  process.env.GRPC_VERBOSITY ??= "NONE";
  const [command, ...args] = process.argv.slice(2);
  switch (command) {
    case "node":
      return (await import("./node-command.ts")).nodeCommand(args);
    case "dev":
      return (await import("./dev-command.ts")).devCommand(args);
    case "status":
      return (await import("./status-command.ts")).statusCommand(args);
    case "allow":
      return (await import("./allow-command.ts")).allowCommand(args);
    case "--version":
      process.stdout.write(`${(await import("../server/version.ts")).version}\n`);
      return 0;
    case "--help":
    case "-h":
    case "help":
      process.stdout.write(help);
      return 0;
    case undefined:
      process.stderr.write(help);
      return 2;
    default:
      throw new UsageError(`${JSON.stringify(command)} is not a command; see quorumguard --help`);
  }
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

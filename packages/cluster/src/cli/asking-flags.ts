import { randomUUID } from "node:crypto";
import { checkNamespace } from "../server/check-text.ts";
import type { AskOptions } from "./ask-cluster.ts";
import type { CommandSpec } from "./command-spec.ts";
import { clusterEndpoints } from "./endpoints.ts";
import type { ParsedFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import type { policyGetSpec, policyRollbackSpec } from "./policy-specs.ts";
import { reachOf } from "./reach.ts";
import { UsageError } from "./usage-error.ts";

/** Every command that asks the cluster has these. */
export type AskingFlags = Pick<ParsedFlags<typeof policyGetSpec>, "has" | "all" | "text" | "whole" | "operands">;

/** Every command that changes something has these, too. */
export type ChangingFlags = Pick<ParsedFlags<typeof policyRollbackSpec>, "has" | "all" | "text" | "whole" | "operands">;

/** Shows help if that is asked for; true: that was all. */
export function helped(flags: { has(flag: "help"): boolean }, spec: CommandSpec): boolean {
  if (flags.has("help")) process.stdout.write(commandHelp(spec));
  return flags.has("help");
}

/** The one operand of a command that takes one. @throws {UsageError} unless there is just one. */
export function operandOf(operands: readonly string[], spec: CommandSpec): string {
  const [operand] = operands;
  if (operand !== undefined && operands.length === 1) return operand;
  const example = spec.examples[0]?.command ?? "";
  throw new UsageError(`give ${spec.operands[0]?.name ?? ""}, such as ${example}; see quorumguard ${spec.name} --help`);
}

/** Where the cluster is. @throws {UsageError} */
export function askOptions(flags: AskingFlags): AskOptions {
  return {
    endpoints: clusterEndpoints(flags.all("endpoints")),
    ...reachOf(flags),
    timeoutMs: flags.whole("timeout"),
  };
}

/** The namespace that was given, or the default one. @throws {InvalidField} */
export function namespaceOf(flags: Pick<AskingFlags, "text">): string {
  const namespace = flags.text("namespace") ?? "";
  checkNamespace(namespace);
  return namespace;
}

/** How a change is to be made. An id makes it safe to try again until there is an answer. */
export function changeOptions(flags: ChangingFlags): { readonly expectedVersion?: bigint; readonly changeId: string } {
  const expected = flags.whole("expect");
  const changeId = flags.text("change-id") ?? randomUUID();
  return { changeId, ...(expected === undefined ? {} : { expectedVersion: BigInt(expected) }) };
}

/** One line on standard output. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Rows under their headings, in columns. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

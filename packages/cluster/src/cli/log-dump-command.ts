import type { Entry } from "@quorumguard/raft";
import { parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { folderOperand } from "./log-folder.ts";
import { logDumpSpec } from "./log-specs.ts";
import { UsageError } from "./usage-error.ts";

/** Shows the entries of a data folder; resolves with the exit status. */
export async function logDumpCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, logDumpSpec);
  if (flags.has("help")) {
    process.stdout.write(commandHelp(logDumpSpec));
    return 0;
  }
  const folder = folderOperand(flags.operands, logDumpSpec.name);
  const from = flags.whole("from") ?? 1;
  const to = flags.whole("to") ?? Number.MAX_SAFE_INTEGER;
  if (from > to) throw new UsageError(`--from is ${from}: it must not be above --to, which is ${to}`);
  const { openReadOnlyFileSystem } = await import("../storage/read-only-file-system.ts");
  const { inspectFolder } = await import("../storage/inspect-folder.ts");
  const { describeEntry, entryLine } = await import("./log-entry-text.ts");
  const report = await inspectFolder(await openReadOnlyFileSystem(folder));
  const chosen = report.entries.filter(({ index }: Entry) => index >= from && index <= to);
  for (const entry of chosen) {
    const described = describeEntry(entry, { keys: flags.has("keys"), commit: report.hardState.commit });
    await written(flags.has("json") ? JSON.stringify(described) : entryLine(described));
  }
  if (chosen.length === 0) {
    const there = report.entries.length === 0 ? "has none" : `has ${report.firstIndex} to ${report.lastIndex}`;
    process.stderr.write(`no entry from ${from} to ${to}: the log ${there}\n`);
  }
  for (const { file, offset, problem } of report.damage) {
    process.stderr.write(`${file}${offset === null ? "" : ` at byte ${offset}`}: ${problem}\n`);
  }
  return report.damage.length === 0 ? 0 : 1;
}

/** Waits where whoever reads the lines is slower than the disk. */
async function written(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      process.stdout.removeListener("drain", go);
      process.stdout.removeListener("close", go);
      resolve();
    };
    process.stdout.once("drain", go).once("close", go);
  });
}

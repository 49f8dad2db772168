import type { FolderReport } from "../storage/inspect-folder.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { folderOperand } from "./log-folder.ts";
import { logVerifySpec } from "./log-specs.ts";

/** Looks at a data folder and says what is in it and what is wrong with it; resolves with the exit status. */
export async function logVerifyCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, logVerifySpec);
  if (flags.has("help")) {
    process.stdout.write(commandHelp(logVerifySpec));
    return 0;
  }
  const folder = folderOperand(flags.operands, logVerifySpec.name);
  const { openReadOnlyFileSystem } = await import("../storage/read-only-file-system.ts");
  const { inspectFolder } = await import("../storage/inspect-folder.ts");
  const report = await inspectFolder(await openReadOnlyFileSystem(folder));
  const sound = report.damage.length === 0;
  if (flags.has("json")) {
    const { entries, ...rest } = report;
    process.stdout.write(`${JSON.stringify({ folder, sound, entries: entries.length, ...rest })}\n`);
  } else process.stdout.write(verifyText(report));
  return sound ? 0 : 1;
}

/** The report as an operator reads it: what is there, what it means, what is wrong. */
export function verifyText(report: FolderReport): string {
  if (report.empty) return "empty: no node has used this folder yet\n";
  const lines = [...contents(report), ...meanings(report)];
  for (const { file, offset, problem } of report.damage) {
    lines.push(`DAMAGED  ${file}${offset === null ? "" : ` at byte ${offset}`}: ${problem}`);
  }
  lines.push(report.damage.length === 0 ? "sound" : `not sound: ${counted(report.damage.length, "problem")}`);
  return `${lines.join("\n")}\n`;
}

function contents({ identity, meta, spoiltSlots, segments, snapshots, hardState, ...log }: FolderReport): string[] {
  const lines: string[] = [];
  if (identity !== null) {
    const founders = identity.founders.map(({ nodeId }) => nodeId).join(", ");
    lines.push(`identity  node ${identity.nodeId} of cluster ${identity.clusterId}, founded by ${founders}`);
  }
  if (meta !== null) {
    lines.push(
      `meta      frames up to ${meta.durableSequence} are durable, the log begins with frame ${meta.firstSequence}`,
    );
  }
  if (spoiltSlots === 1) {
    lines.push("meta      one of its two slots is damaged or cut; the other one holds, and the next start mends it");
  }
  for (const segment of segments) {
    const range = segment.lastIndex === 0 ? "no entries" : `entries ${segment.firstIndex} to ${segment.lastIndex}`;
    lines.push(
      `segment   ${segment.file}: ${counted(segment.frames, "frame")}, ${range}, ${counted(segment.bytes, "byte")}`,
    );
  }
  for (const { file, index, term, pieces, bytes, problem, counts } of snapshots) {
    const state = problem === null ? `${counted(pieces, "piece")}, every check holds` : "damaged";
    const place = counts ? "" : ", overtaken";
    lines.push(`snapshot  ${file}: index ${index}, term ${term}${place}, ${counted(bytes, "byte")}, ${state}`);
  }
  const entries = log.lastIndex < log.firstIndex ? "no entries" : `entries ${log.firstIndex} to ${log.lastIndex}`;
  const { term, vote, commit } = hardState;
  lines.push(
    `log       ${entries}; term ${term}, ${vote === 0 ? "no vote" : `voted for ${vote}`}, committed up to ${commit}`,
  );
  for (const file of log.setAside) lines.push(`aside     ${file}: set aside by an earlier repair, yours to remove`);
  return lines;
}

function meanings({ torn, abstains, meta, damage }: FolderReport): string[] {
  const lines: string[] = [];
  if (torn !== null) {
    lines.push(
      `torn      ${torn.file} at byte ${torn.offset}: ${counted(torn.bytes, "byte")} of a frame whose write was cut short; the next start drops it`,
    );
  }
  if (meta?.damaged != null) {
    const { file, offset, problem } = meta.damaged;
    const state = damage.length === 0 ? "repaired  " : "begun     the repair of ";
    lines.push(`${state}${file}${offset === null ? "" : ` at byte ${offset}`}: ${problem}`);
  }
  if (abstains) {
    lines.push(
      "abstains  after the next start the node neither votes nor counts until the others have made up for what it may lack",
    );
  }
  return lines;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

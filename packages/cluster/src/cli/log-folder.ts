import { UsageError } from "./usage-error.ts";

/** The one data folder that a command is given. @throws {UsageError} if it is none or more. */
export function folderOperand(operands: readonly string[], command: string): string {
  const [folder, another] = operands;
  if (folder === undefined || folder === "") {
    throw new UsageError(`DATA_FOLDER is missing; see quorumguard ${command} --help`);
  }
  if (another !== undefined) {
    throw new UsageError(`${JSON.stringify(another)} is one word too many; see quorumguard ${command} --help`);
  }
  return folder;
}

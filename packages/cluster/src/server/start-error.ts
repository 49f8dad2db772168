/** The options whose values depend on the machine: a port may be taken, a folder may be a file. */
export type StartOption = "grpc" | "http" | "peer" | "dataFolder";

/** A start failed on the value of one option. The message names it, and what to do; a command puts its flag in front. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** The option whose value is at fault. */
  readonly option: StartOption;
  /** The message without the option's name. */
  readonly problem: string;

  constructor(option: StartOption, label: string, problem: string, cause: unknown) {
    super(`${label}: ${problem}`, { cause });
    this.option = option;
    this.problem = problem;
  }
}

/** What to do about the reasons for which a folder cannot be had. */
const remedies: ReadonlyMap<string, string> = new Map([
  ["EEXIST", "this is a file (EEXIST); give a folder, which is created if it is absent"],
  ["ENOTDIR", "a part of this path is a file (ENOTDIR); give a path of folders, which are created if they are absent"],
  [
    "ENOENT",
    "a link in this path leads nowhere, or no folder can be made there (ENOENT); give a path of folders that are there or can be made",
  ],
  ["EACCES", "this user may not write there (EACCES); give it the right, or choose another folder"],
  ["EPERM", "this user may not write there (EPERM); give it the right, or choose another folder"],
  ["EROFS", "the file system is read-only (EROFS); choose a folder that can be written"],
  ["ENOSPC", "the disk is full (ENOSPC); free space, or choose another folder"],
]);

/** Says why a data folder cannot be used, and what to do. What is no error of the file system comes back as it is. */
export function folderError(folder: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || typeof (cause as { code?: unknown }).code !== "string") return cause;
  const code = (cause as Error & { readonly code: string }).code;
  const problem = `cannot use ${JSON.stringify(folder)}: ${remedies.get(code) ?? cause.message}`;
  return new StartError("dataFolder", "dataFolder", problem, cause);
}

/**
 * What is on disk cannot be used, or could not be written. Names the file, and the byte offset where it can; the message
 * ends with what the operator can do.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  /** Path of the file, relative to the data folder. */
  readonly file: string;
  /** Byte offset of the damage, or null if the file as a whole is meant. */
  readonly offset: number | null;
  /** What is wrong there, and what to do about it. */
  readonly problem: string;
  /**
   * True if what this node wrote into its folder is damaged or missing: such a folder can be opened for repair. False if the
   * files belong elsewhere, are of another version, or could not be read or written.
   */
  readonly isDamage: boolean;

  constructor(
    file: string,
    offset: number | null,
    problem: string,
    options?: ErrorOptions & { readonly isDamage?: boolean },
  ) {
    super(`${file}${offset === null ? "" : ` at byte ${offset}`}: ${problem}`, options);
    this.file = file;
    this.offset = offset;
    this.problem = problem;
    this.isDamage = options?.isDamage ?? false;
  }
}

/** The advice for a folder that cannot be repaired: nothing says what this node had acknowledged. */
export const rejoinAdvice =
  "this node must not vote with this folder: keep it stopped, the others go on without it; to replace it, " +
  "run quorumguard member remove with its id, and start a node with --join and a new --id on an empty folder";

/** The advice for a folder whose identity is gone: that file is the same for ever, and everything else in an old copy is not. */
export const identityAdvice = `put back a copy of this one file, which never changes, and nothing else of an old copy; without one, ${rejoinAdvice}`;

/** The advice for damage that a repair can mend. */
export const repairAdvice =
  "this node must not vote with this folder as it is: start it with --repair, which sets the damaged files aside, keeps what is " +
  "sound, and lets the other nodes bring the rest before this one votes; the others go on without it until then";

/** Damage to acknowledged data, with the advice for it. */
export function damage(file: string, offset: number | null, problem: string): StorageError {
  return new StorageError(file, offset, `${problem}; ${repairAdvice}`, { isDamage: true });
}

/** A call of the system failed: the node stops, and what it can do about it is in the message. */
export function failedWrite(file: string, offset: number | null, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const problem = cause instanceof Error ? cause.message : String(cause);
  const advice =
    "this node stops; nothing it acknowledged is lost; free space or replace the disk, then start it again";
  return new StorageError(file, offset, `${problem}; ${advice}`, { cause });
}

const fileAdvice: ReadonlyMap<string, string> = new Map([
  ["EISDIR", "a folder is in the place of this file; move it away"],
  ["ENOTDIR", "a file is in the place of this folder; move it away"],
  [
    "EACCES",
    "this user may not read and write it; give the data folder and all in it to the user that the node runs as",
  ],
  [
    "EPERM",
    "this user may not read and write it; give the data folder and all in it to the user that the node runs as",
  ],
]);

/** What is not where it should be, or is another user's: the path and what to do. Any other error comes back as it is. */
export function misplaced(path: string, cause: unknown): unknown {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  const advice = typeof code === "string" ? fileAdvice.get(code) : undefined;
  return advice === undefined ? cause : new StorageError(path, null, `${advice} (${code})`, { cause: cause as Error });
}

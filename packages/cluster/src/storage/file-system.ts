/**
 * The few file operations that the log and the snapshots need, so that every storage test runs on real files, on files
 * that forget what was not flushed, and on the simulator's disk alike. Paths use "/" and are relative to the data
 * folder.
 */
export interface FileSystem {
  /** Opens for reading and writing; `create` makes a new file and fails if there is one. */
  open(path: string, options: { readonly create: boolean }): Promise<FileHandle>;
  /** Names in a folder, sorted; an absent folder has none. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes a folder and those above it; one that is there already is left as it is. */
  makeFolder(folder: string): Promise<void>;
  /** Gives a file another name, in place of a file that has it. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable. */
  flushFolder(folder: string): Promise<void>;
}

/** An open file; goes on under the same file when that is renamed. */
export interface FileHandle {
  /** The file's length in bytes. */
  size(): Promise<number>;
  /** Reads up to `length` bytes; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Writes all pieces one after the other from `position`, and keeps no hold on them once it resolves. */
  write(position: number, pieces: readonly Uint8Array[]): Promise<void>;
  /** Resolves once everything written before is durable (fdatasync). */
  flush(): Promise<void>;
  /** Gives the file up. Nothing is flushed by that. */
  close(): Promise<void>;
}

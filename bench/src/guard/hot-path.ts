/** One thing that a node or a client does for every call or every entry, alone and repeatable. */
export interface HotPath {
  /** What is counted, in the plural. */
  readonly unit: string;
  /** How many of them a block has. */
  readonly operations: number;
  /** What the next block needs; not measured. */
  prepare(): void | Promise<void>;
  /** One block: what is measured. */
  run(): void | Promise<void>;
}

/** An entry of 256 calls is about so large. */
export const ENTRY_BYTES = 7_500;

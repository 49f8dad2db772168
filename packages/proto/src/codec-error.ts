/** Bytes that are not a message of `quorumguard.v1` within its bounds, or columns that do not fit one. */
export class CodecError extends Error {
  override readonly name = "CodecError";
  /** The field at fault, as the .proto or the generated code names it. */
  readonly field: string;

  constructor(field: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, { cause: options?.cause });
    this.field = field;
  }
}

/** Items that a frame may hold; more calls go into the next frame. */
export const MAX_FRAME_ITEMS = 1_024;
/** Bytes that one message may have: 1 MiB. */
export const MAX_MESSAGE_BYTES = 1_048_576;
/** Bytes of UTF-8 that a key may have; at least one is needed. */
export const MAX_KEY_BYTES = 512;

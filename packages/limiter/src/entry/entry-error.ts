/** Bytes that are not an entry, or not an operation, of a format that this version knows. */
export class EntryError extends Error {
  override readonly name = "EntryError";
}

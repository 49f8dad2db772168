/** A file of a history that cannot be read as one; the message names file, line and what was expected. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
}

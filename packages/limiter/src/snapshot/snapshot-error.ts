/** Pieces of a snapshot that are missing, out of order or damaged. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

import type { FoundLog } from "./log-recovery.ts";
import { logFolder } from "./log-recovery.ts";
import { type LogPosition, LogView } from "./log-view.ts";
import type { SnapshotMeta } from "./storage.ts";
import { damage } from "./storage-error.ts";

/** The entries that continue the snapshot. @throws {StorageError} if some between the two are missing. */
export function joinLog(log: FoundLog, snapshot: SnapshotMeta | null): LogView {
  const origin: LogPosition = snapshot ?? { index: 0, term: 0 };
  const first = log.entries[0];
  if (first === undefined) return new LogView(origin, [], origin.index);
  if (first.index > origin.index + 1) {
    const missing = `entries ${origin.index + 1} to ${first.index - 1} are missing`;
    throw damage(log.segments[0]?.path ?? logFolder, null, `${missing} from the log`);
  }
  if (first.index === origin.index + 1) return new LogView(origin, log.entries, origin.index);
  const covered = log.entries[origin.index - first.index];
  // A log that ends before the snapshot, or differs from it there, was overtaken by it.
  if (covered === undefined || covered.term !== origin.term) return new LogView(origin, [], origin.index);
  return new LogView({ index: first.index, term: first.term }, log.entries.slice(1), origin.index);
}

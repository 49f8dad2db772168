import { readFile } from "node:fs/promises";
import type { NodeLog } from "../../node/node-log.ts";
import { type WatchedFile, type WatchFileOptions, watchFile } from "../policy-files/watch-file.ts";
import { parseTokenKeys, type TokenKeys } from "./token-keys.ts";

/** The file, whoever puts its keys in force, and where it is told. */
export interface FollowTokenKeysOptions extends WatchFileOptions {
  readonly file: string;
  readonly log: NodeLog;
  /** Called for every set of keys after the first. */
  readonly changed: (keys: TokenKeys) => void;
}

/** Far more than a set of keys can need. */
const maxBytes = 65_536;

/**
 * Reads a file of token keys and follows it. A change that cannot be read, or is no set of keys, changes nothing, and the log says
 * why: a slip of the pen must lock nobody out.
 *
 * @throws {InvalidField} when the file is no set of keys now, and what reading it throws.
 */
export async function followTokenKeys(
  options: FollowTokenKeysOptions,
): Promise<{ readonly keys: TokenKeys; readonly watched: WatchedFile }> {
  const { file, log, changed } = options;
  let text = await readFile(file, "utf8");
  const keys = parseTokenKeys(text);
  const say = (now: TokenKeys) => log("info", "token-keys", { file, ids: [...now.keys()] });
  say(keys);
  const watched = watchFile(
    file,
    {
      changed(next) {
        // The watcher begins with what is there, and tells again what comes back after it was gone.
        if (next === text) return;
        try {
          const read = parseTokenKeys(next);
          text = next;
          changed(read);
          say(read);
        } catch (error) {
          log("error", "token-keys-refused", {
            file,
            error: (error as Error).message,
            remedy: "the keys in force stay",
          });
        }
      },
      unreadable: (error) => log("error", "token-keys-unreadable", { file, error: error.message }),
    },
    { maxBytes, ...options },
  );
  return { keys, watched };
}

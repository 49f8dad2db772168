import { basename } from "node:path";
import type { ClusterNode } from "../../node/node.ts";
import type { NodeLog } from "../../node/node-log.ts";
import { CallError, StatusCode } from "../call-error.ts";
import { makeChange } from "../make-change.ts";
import { type Attempted, Attempts } from "./attempts.ts";
import { type PolicyFile, readPolicyFile } from "./read-policy-file.ts";
import { type WatchedFile, type WatchFileOptions, watchFile } from "./watch-file.ts";

/** The file, the node that puts it in force, and where it says so. */
export interface FollowPolicyFileOptions extends WatchFileOptions {
  readonly file: string;
  readonly node: ClusterNode;
  readonly log: NodeLog;
  /** Between two attempts while nobody can commit, in milliseconds. Default 1,000. */
  readonly retryMs?: number;
}

/**
 * Keeps a file of policies in force while this node leads: when it begins to lead, and whenever the file changes. What is so
 * already makes no new version. A file that is bad changes nothing, and the log says why.
 */
export function followPolicyFile(options: FollowPolicyFileOptions): WatchedFile {
  return new Follower(options);
}

/** What another attempt may mend. */
const passing: ReadonlySet<number> = new Set([
  StatusCode.unavailable,
  StatusCode.unknown,
  StatusCode.resourceExhausted,
]);

class Follower implements WatchedFile {
  readonly #options: FollowPolicyFileOptions;
  readonly #watched: WatchedFile;
  readonly #endTopology: () => void;
  #latest: PolicyFile | null = null;
  /** The term in which this node last put the latest file in force; 0: it has yet to. */
  #settledTerm = 0;
  readonly #attempts: Attempts;

  constructor(options: FollowPolicyFileOptions) {
    this.#options = options;
    const { file, node, log, retryMs = 1_000 } = options;
    this.#attempts = new Attempts({ attempt: () => this.#attempt(), retryMs });
    this.#watched = watchFile(
      file,
      {
        changed: (text) => this.#changed(text),
        unreadable: (error) => log("error", "policies-unreadable", { file, error: error.message }),
      },
      options,
    );
    this.#endTopology = node.onTopology(() => this.#attempts.prompt());
  }

  async close(): Promise<void> {
    this.#endTopology();
    this.#attempts.close();
    await this.#watched.close();
  }

  #changed(text: string): void {
    const { file, log } = this.#options;
    try {
      this.#latest = readPolicyFile(text, file);
    } catch (error) {
      log("error", "policies-refused", { file, error: error instanceof Error ? error.message : String(error) });
      return;
    }
    this.#settledTerm = 0;
    this.#attempts.prompt();
  }

  #attempt(): Promise<Attempted> | null {
    const { leaderId, term } = this.#options.node.topology();
    const isDue = this.#latest !== null && leaderId === this.#options.node.nodeId && term !== this.#settledTerm;
    return isDue ? this.#put(this.#latest!, term) : null;
  }

  async #put(latest: PolicyFile, term: number): Promise<Attempted> {
    const { file, node, log } = this.#options;
    const namespace = latest.namespace ?? "";
    const change = { kind: "putDocument", document: latest.document };
    const context = { identity: `node ${node.nodeId}: ${basename(file)}`, deadlineMs: 0 };
    try {
      const { version, changed, edits } = await makeChange(node, namespace, change, undefined, context);
      if (changed > 0) log("info", "policies-applied", { file, namespace, version: Number(version), edits });
    } catch (error) {
      if (error instanceof CallError && passing.has(error.code)) return "again";
      log("error", "policies-refused", {
        file,
        namespace,
        error: error instanceof Error ? error.message : String(error),
      });
    }
    if (this.#latest === latest) this.#settledTerm = term;
    return "settled";
  }
}

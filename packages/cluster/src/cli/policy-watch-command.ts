import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Attempted, Attempts } from "../server/policy-files/attempts.ts";
import { readPolicyFile } from "../server/policy-files/read-policy-file.ts";
import { watchFile } from "../server/policy-files/watch-file.ts";
import { askOptions, helped, operandOf, printLine } from "./asking-flags.ts";
import { parseFlags } from "./flags.ts";
import { filePolicies } from "./policy-commands.ts";
import { policyWatchSpec } from "./policy-specs.ts";

/** Between two attempts while the cluster does not answer, in milliseconds: at first, and at most. */
const [retryMs, maxRetryMs] = [1_000, 10_000];

/** What the file says, to be put in force under an id, so that an attempt whose answer was lost is not made twice. */
interface Change {
  readonly namespace: string;
  readonly document: JsonObject;
  readonly options: { readonly changeId: string };
}

/** Puts a file in force whenever it changes, until a signal; resolves with the exit status. */
export async function policyWatchCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, policyWatchSpec);
  if (helped(flags, policyWatchSpec)) return 0;
  const file = operandOf(flags.operands, policyWatchSpec);
  const options = askOptions(flags);
  const given = flags.text("namespace");
  const report = (event: { readonly kind: string; readonly text: string; readonly [field: string]: unknown }) => {
    const { text, ...fields } = event;
    if (flags.has("json")) printLine(JSON.stringify(event.kind === "applied" ? fields : event));
    else if (event.kind === "applied") printLine(text);
    else process.stderr.write(`quorumguard: ${text}\n`);
  };
  const failed = (error: unknown) => report({ kind: "failed", text: `${messageOf(error)}; what is in force stays` });
  const { askCluster, NodeRefusal, policyMethods } = await import("./admin-client.ts");
  let due: Change | null = null;
  const put = async (change: Change, pauseMs: number): Promise<Attempted> => {
    try {
      const { result } = await askCluster(options, policyMethods.putPolicies, change);
      const version = Number(result?.version ?? 0);
      const records = result?.changed ?? 0;
      const fact = records === 0 ? "is so already" : "is in force";
      const text = [`version ${version} ${fact}`, ...(result?.edits ?? [])].join("\n");
      const { namespace } = change;
      report({ kind: "applied", text, namespace, version, changed: records, edits: result?.edits ?? [] });
    } catch (error) {
      if (!(error instanceof NodeRefusal)) {
        const text = `${messageOf(error)}; what is in force stays; trying again in ${pauseMs / 1_000} s`;
        report({ kind: "retrying", text });
        return "again";
      }
      failed(error);
    }
    if (due === change) due = null;
    return "settled";
  };
  const attempt = (pauseMs: number) => (due === null ? null : put(due, pauseMs));
  const attempts = new Attempts({ attempt, retryMs, maxRetryMs });
  const watched = watchFile(file, {
    unreadable: failed,
    changed(text) {
      try {
        due = { ...filePolicies(readPolicyFile(text, file), given), options: { changeId: randomUUID() } };
        attempts.prompt();
      } catch (error) {
        failed(error);
      }
    },
  });
  await new Promise<void>((resolve) => {
    process.on("SIGTERM", resolve);
    process.on("SIGINT", resolve);
  });
  attempts.close();
  await watched.close();
  return 0;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

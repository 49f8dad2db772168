import { randomUUID } from "node:crypto";
import { readPolicyFile } from "../server/policy-files/read-policy-file.ts";
import { watchFile } from "../server/policy-files/watch-file.ts";
import { askOptions, helped, operandOf, printLine } from "./asking-flags.ts";
import { parseFlags } from "./flags.ts";
import { filePolicies } from "./policy-commands.ts";
import { policyWatchSpec } from "./policy-specs.ts";

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
  const failed = (error: Error) => report({ kind: "failed", text: `${error.message}; what is in force stays` });
  const { askCluster, policyMethods } = await import("./admin-client.ts");
  const watched = watchFile(file, {
    unreadable: failed,
    async changed(text) {
      try {
        const { namespace, document } = filePolicies(readPolicyFile(text, file), given);
        const request = { namespace, document, options: { changeId: randomUUID() } };
        const { result } = await askCluster(options, policyMethods.putPolicies, request);
        const version = Number(result?.version ?? 0);
        const records = result?.changed ?? 0;
        const fact = records === 0 ? "is so already" : "is in force";
        const lines = [`version ${version} ${fact}`, ...(result?.edits ?? [])].join("\n");
        report({ kind: "applied", text: lines, namespace, version, changed: records, edits: result?.edits ?? [] });
      } catch (error) {
        failed(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
  await new Promise<void>((resolve) => {
    process.on("SIGTERM", resolve);
    process.on("SIGINT", resolve);
  });
  await watched.close();
  return 0;
}

import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import type { JsonObject } from "@bufbuild/protobuf";
import type { ChangeResult, PolicyRevision } from "@quorumguard/proto";
import { checkNamespace } from "../server/check-text.ts";
import { type PolicyFile, readPolicyFile } from "../server/policy-files/read-policy-file.ts";
import {
  type AskingFlags,
  askOptions,
  type ChangingFlags,
  changeOptions,
  helped,
  namespaceOf,
  operandOf,
  printLine,
} from "./asking-flags.ts";
import { parseFlags } from "./flags.ts";
import { namespaceName, policyHistoryText, timeOf } from "./policy-history-text.ts";
import {
  policyDeleteSpec,
  policyDiffSpec,
  policyGetSpec,
  policyHistorySpec,
  policyPutSpec,
  policyRollbackSpec,
} from "./policy-specs.ts";
import { documentYaml } from "./policy-text.ts";
import { UsageError } from "./usage-error.ts";

/** Loaded only when it is needed: help and mistakes do not wait for it. */
const client = () => import("./admin-client.ts");

/** Shows what is set; resolves with the exit status. */
export async function policyGetCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, policyGetSpec);
  if (helped(flags, policyGetSpec)) return 0;
  const namespace = namespaceOf(flags);
  const { askCluster, policyMethods } = await client();
  const { version, document = {} } = await askCluster(askOptions(flags), policyMethods.getPolicies, { namespace });
  if (flags.has("json")) printLine(JSON.stringify({ namespace, version: Number(version), document }));
  else process.stdout.write(`# version ${version}\n${documentYaml(namespace, document)}`);
  return 0;
}

/** Puts a file in force; resolves with the exit status. */
export async function policyPutCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, policyPutSpec);
  if (helped(flags, policyPutSpec)) return 0;
  const { namespace, document } = await fileOf(operandOf(flags.operands, policyPutSpec), flags.text("namespace"));
  const request = { namespace, document, options: changeOptions(flags) };
  const { askCluster, policyMethods } = await client();
  const { result } = await askCluster(askOptions(flags), policyMethods.putPolicies, request);
  return changed(flags, namespace, result);
}

/** Shows what a file would change; resolves with the exit status. */
export async function policyDiffCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, policyDiffSpec);
  if (helped(flags, policyDiffSpec)) return 0;
  const { namespace, document } = await fileOf(operandOf(flags.operands, policyDiffSpec), flags.text("namespace"));
  const { askCluster, policyMethods } = await client();
  const { version, edits } = await askCluster(askOptions(flags), policyMethods.diffPolicies, { namespace, document });
  if (flags.has("json")) printLine(JSON.stringify({ namespace, version: Number(version), edits }));
  else if (edits.length === 0) printLine(`nothing: version ${version} is so already`);
  else printLine(edits.join("\n"));
  return edits.length === 0 ? 0 : 3;
}

/** Shows the latest changes; resolves with the exit status. */
export async function policyHistoryCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, policyHistorySpec);
  if (helped(flags, policyHistorySpec)) return 0;
  const namespace = namespaceOf(flags);
  const request = { namespace, limit: flags.whole("limit") };
  const { askCluster, policyMethods } = await client();
  const { version, revisions } = await askCluster(askOptions(flags), policyMethods.listPolicyHistory, request);
  if (flags.has("json")) {
    printLine(JSON.stringify({ namespace, version: Number(version), revisions: revisions.map(plainRevision) }));
  } else {
    printLine(policyHistoryText(namespace, version, revisions, request.limit));
  }
  return 0;
}

/** Goes back to an earlier version; resolves with the exit status. */
export async function policyRollbackCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, policyRollbackSpec);
  if (helped(flags, policyRollbackSpec)) return 0;
  const typed = operandOf(flags.operands, policyRollbackSpec);
  if (!/^\d{1,16}$/.test(typed) || !Number.isSafeInteger(Number(typed))) {
    throw new UsageError(`VERSION is ${JSON.stringify(typed)}: it must be a version, as policy history shows it`);
  }
  const namespace = namespaceOf(flags);
  const request = { namespace, version: BigInt(typed), options: changeOptions(flags) };
  const { askCluster, policyMethods } = await client();
  const { result } = await askCluster(askOptions(flags), policyMethods.rollbackPolicies, request);
  return changed(flags, namespace, result);
}

/** Deletes a policy; resolves with the exit status. */
export async function policyDeleteCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, policyDeleteSpec);
  if (helped(flags, policyDeleteSpec)) return 0;
  const name = operandOf(flags.operands, policyDeleteSpec);
  const namespace = namespaceOf(flags);
  const request = { namespace, names: [name], options: changeOptions(flags) };
  const { askCluster, policyMethods } = await client();
  const { result } = await askCluster(askOptions(flags), policyMethods.deletePolicies, request);
  return changed(flags, namespace, result);
}

/** Whose policies a file holds, and which. @throws {UsageError} @throws {PolicyFileError} */
export function filePolicies(
  file: PolicyFile,
  given: string | undefined,
): { readonly namespace: string; readonly document: JsonObject } {
  if (given !== undefined) checkNamespace(given);
  if (given !== undefined && file.namespace !== null && file.namespace !== given) {
    throw new UsageError(
      `--namespace is ${JSON.stringify(given)} and the file's is ${JSON.stringify(file.namespace)}: leave one of them out`,
    );
  }
  return { namespace: given ?? file.namespace ?? "", document: file.document as unknown as JsonObject };
}

async function fileOf(file: string, given: string | undefined) {
  const text = await (file === "-" ? readStream(process.stdin) : readFile(file, "utf8")).catch((error: Error) => {
    throw new UsageError(`FILE is ${JSON.stringify(file)}: it cannot be read (${error.message})`);
  });
  return filePolicies(readPolicyFile(text, file === "-" ? "standard input" : file), given);
}

/** Shows what a change came to. */
export function changed(
  flags: Pick<AskingFlags | ChangingFlags, "has">,
  namespace: string,
  result: ChangeResult | undefined,
): number {
  const { version, changed: records, edits } = result ?? { version: 0n, changed: 0, edits: [] };
  if (flags.has("json")) printLine(JSON.stringify({ namespace, version: Number(version), changed: records, edits }));
  else if (records === 0) printLine(`nothing changed: version ${version} is so already`);
  else printLine([`version ${version} of ${namespaceName(namespace)} is in force`, ...edits].join("\n"));
  return 0;
}

function plainRevision({ sequence, version, index, stampUs, author, changeId, kind, about, edits }: PolicyRevision) {
  return {
    sequence: Number(sequence),
    version: Number(version),
    at: timeOf(stampUs),
    index: Number(index),
    author,
    changeId: changeId === "" ? null : changeId,
    kind,
    about: about === "" ? null : about,
    edits,
  };
}

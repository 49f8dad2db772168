import { checkPackage, createPackageFromTarballData, type Problem } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

/**
 * What arethetypeswrong says of every package that is ESM only, and why that is right here:
 * - `NoResolution` under `node10`, the resolution of TypeScript before `exports`: no Node that we support resolves so, and
 *   TypeScript 7 has it no more.
 * - `CJSResolvesToESM`: a `require` of ESM, which every Node from 20.19 on can do; `runs.e2e.test.ts` does it.
 */
function isJustified(problem: Problem): boolean {
  if (problem.kind === "NoResolution") return problem.resolutionKind === "node10";
  return problem.kind === "CJSResolvesToESM";
}

/** What arethetypeswrong finds, without what is {@link isJustified}. One line each. */
export async function judgeTypes(tarball: Uint8Array): Promise<readonly string[]> {
  const result = await checkPackage(createPackageFromTarballData(tarball));
  if (result.types === false) return ["the package has no types"];
  return result.problems.filter((problem) => !isJustified(problem)).map((problem) => JSON.stringify(problem));
}

/** What publint finds, its warnings and suggestions too: none is justified today. One line each. */
export async function judgeLint(tarball: Uint8Array): Promise<readonly string[]> {
  // A copy of its own: a Buffer's may be a part of a larger one.
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: new Uint8Array(tarball).buffer } });
  return messages.map((message) => `${message.type}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

import type { Node } from "oxc-parser";
import { type Finding, isTestFile, type SourceFile, walk } from "./source-file.ts";

const remedy =
  "a test awaits an event, or asks again with vi.waitFor; sleeping is slow on good days and wrong on bad ones";

/** Tests do not sleep for a time: neither by `new Promise(resolve => setTimeout(resolve, …))` nor by Node's own. */
export function checkTimedSleeps(file: SourceFile): readonly Finding[] {
  if (!isTestFile(file.path)) return [];
  const found: Finding[] = [];
  for (const { specifier, line } of file.imports) {
    if (/^(node:)?timers\/promises$/.test(specifier)) found.push({ path: file.path, line, message: remedy });
  }
  walk(file.program, (node) => {
    if (isSleep(node)) found.push({ path: file.path, line: file.lineAt(node.start), message: remedy });
    return undefined;
  });
  return found;
}

/** True for a promise that a timer resolves and nothing else. */
function isSleep(node: Node): boolean {
  if (node.type !== "NewExpression" || node.callee.type !== "Identifier" || node.callee.name !== "Promise")
    return false;
  const [executor] = node.arguments;
  if (executor?.type !== "ArrowFunctionExpression" || executor.body === null) return false;
  const resolve = executor.params[0];
  const { body } = executor;
  const only = body.type === "BlockStatement" ? (body.body.length === 1 ? body.body[0] : undefined) : body;
  const call = only?.type === "ExpressionStatement" ? only.expression : only;
  if (call?.type !== "CallExpression" || call.callee.type !== "Identifier" || call.callee.name !== "setTimeout")
    return false;
  const [callback] = call.arguments;
  return callback?.type === "Identifier" && resolve?.type === "Identifier" && callback.name === resolve.name;
}

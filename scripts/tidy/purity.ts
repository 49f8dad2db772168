import type { Node } from "oxc-parser";
import { type Finding, isTestFile, packageOf, type SourceFile, walk } from "./source-file.ts";

const purePackages = new Set(["raft", "limiter"]);

/** Names that reach the world outside, or come back later. Their value is what to do instead. */
const bannedNames = new Map([
  ["Date", "time comes in as an argument"],
  ["performance", "time comes in as an argument"],
  ["Promise", "a pure core is synchronous: return data, and let the driver wait"],
  ["setTimeout", "time comes in as a tick"],
  ["setInterval", "time comes in as a tick"],
  ["setImmediate", "a pure core is synchronous"],
  ["queueMicrotask", "a pure core is synchronous"],
  ["console", "return what would be logged as data"],
  ["process", "take it as an option"],
  ["globalThis", "take it as an option"],
  ["crypto", "randomness is an option"],
]);

/** `Math` functions whose result may differ between engines, and the one that is not a function of its input. */
const bannedMath = new Set(
  "random sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh exp expm1 log log2 log10 log1p pow cbrt hypot".split(
    " ",
  ),
);

/** The pure packages have no clock, no randomness, no asynchrony and no engine-dependent arithmetic. */
export function checkPurity(file: SourceFile): readonly Finding[] {
  if (!file.path.startsWith("packages/") || !purePackages.has(packageOf(file.path)) || isTestFile(file.path)) return [];
  const found: Finding[] = [];
  walk(file.program, (node, ancestors) => {
    const message = impurity(node, ancestors.at(-1));
    if (message !== null)
      found.push({ path: file.path, line: file.lineAt(node.start), message: `pure package: ${message}` });
    return undefined;
  });
  return found;
}

function impurity(node: Node, parent: Node | undefined): string | null {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return node.async ? "no async functions: return data, and let the driver wait" : null;
    case "AwaitExpression":
      return "no await: return data, and let the driver wait";
    case "ImportExpression":
      return "no import(): everything is loaded before it starts";
    case "MemberExpression":
      if (node.object.type !== "Identifier" || node.object.name !== "Math" || node.computed) return null;
      return bannedMath.has(node.property.name)
        ? `no Math.${node.property.name}: every node must compute the same`
        : null;
    case "Identifier": {
      const remedy = bannedNames.get(node.name);
      return remedy === undefined || isPropertyName(node, parent) ? null : `no ${node.name}: ${remedy}`;
    }
    default:
      return null;
  }
}

/** True if an identifier names a member (`frame.process`, `{ process: 1 }`) rather than a variable. */
function isPropertyName(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined) return false;
  const { key, property, computed, shorthand } = parent as {
    key?: Node;
    property?: Node;
    computed?: boolean;
    shorthand?: boolean;
  };
  return computed !== true && shorthand !== true && (key === node || property === node);
}

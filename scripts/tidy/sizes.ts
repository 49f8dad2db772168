import type { Node } from "oxc-parser";
import { type Finding, isTestFile, type SourceFile, walk } from "./source-file.ts";

const maxLines = 500;
/** Tables of cases read better in one piece than a source does. */
const maxTestLines = 1_000;
const maxFunctionLines = 70;
/** A factory holds its object's functions as a class holds methods: each counts for itself, and all together no more than this. */
const maxFactoryLines = 200;
const maxIndexLines = 60;
const anonymous = "a function";

/** Files and functions stay as small as HOUSE.md says. */
export function checkSizes(file: SourceFile): readonly Finding[] {
  const found: Finding[] = [];
  const test = isTestFile(file.path);
  const isIndex = /^packages\/[^/]+\/src\/index\.ts$/.test(file.path);
  const bound = isIndex ? maxIndexLines : test ? maxTestLines : maxLines;
  if (file.lineCount > bound) {
    found.push({ path: file.path, line: 0, message: `${file.lineCount} lines, at most ${bound}; split it by ideas` });
  }
  if (test) return found;
  walk(file.program, (node, ancestors) => {
    if (!isFunction(node)) return undefined;
    const name = functionName(node, ancestors.at(-1));
    const line = file.lineAt(node.start);
    const whole = lineSpan(file, node);
    const own = whole - namedFunctionLines(file, node);
    if (own > maxFunctionLines) {
      const message = `${name} has ${own} lines, at most ${maxFunctionLines}; push ifs up and fors down`;
      found.push({ path: file.path, line, message });
    } else if (whole > maxFactoryLines) {
      const message = `${name} has ${whole} lines with the functions inside it, at most ${maxFactoryLines}; split it by ideas`;
      found.push({ path: file.path, line, message });
    }
    return undefined;
  });
  return found;
}

function isFunction(node: Node): boolean {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
}

function lineSpan(file: SourceFile, node: Node): number {
  return file.lineAt(node.end - 1) - file.lineAt(node.start) + 1;
}

/** Lines of the named functions directly inside a function. A callback has no name, and counts for whom it serves. */
function namedFunctionLines(file: SourceFile, root: Node): number {
  let lines = 0;
  walk(root, (node, ancestors) => {
    if (node === root || !isFunction(node)) return undefined;
    if (functionName(node, ancestors.at(-1)) === anonymous) return undefined;
    lines += lineSpan(file, node);
    return false;
  });
  return lines;
}

function functionName(node: object, parent: object | undefined): string {
  const named = (one: object | undefined): string | undefined => {
    const { id, key } = (one ?? {}) as { id?: { name?: string } | null; key?: { name?: string } };
    return id?.name ?? key?.name;
  };
  const name = named(node) ?? named(parent);
  return name === undefined ? anonymous : `${name}()`;
}

import { type Finding, isTestFile, type SourceFile, walk } from "./source-file.ts";

const maxLines = 500;
/** Tables of cases read better in one piece than a source does. */
const maxTestLines = 1_000;
const maxFunctionLines = 70;
const maxIndexLines = 60;

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
    if (
      node.type !== "FunctionDeclaration" &&
      node.type !== "FunctionExpression" &&
      node.type !== "ArrowFunctionExpression"
    ) {
      return undefined;
    }
    const lines = file.lineAt(node.end - 1) - file.lineAt(node.start) + 1;
    if (lines <= maxFunctionLines) return undefined;
    const name = functionName(node, ancestors.at(-1));
    const message = `${name} has ${lines} lines, at most ${maxFunctionLines}; push ifs up and fors down`;
    found.push({ path: file.path, line: file.lineAt(node.start), message });
    return undefined;
  });
  return found;
}

function functionName(node: object, parent: object | undefined): string {
  const named = (one: object | undefined): string | undefined => {
    const { id, key } = (one ?? {}) as { id?: { name?: string } | null; key?: { name?: string } };
    return id?.name ?? key?.name;
  };
  const name = named(node) ?? named(parent);
  return name === undefined ? "a function" : `${name}()`;
}

import ts from "typescript";

/** Lines of a signature are broken when they are longer, so that a page's column holds them. */
const maxWidth = 84;

/** A declaration's source without `export`, bodies and, unless they are wanted, comments. */
export function declarationText(node: ts.Node, options: { readonly comments: boolean } = { comments: false }): string {
  const file = node.getSourceFile();
  const from = node.getStart();
  const cuts = [...modifierCuts(node), ...bodyCuts(node)];
  if (!options.comments) cuts.push(...commentCuts(node));
  let text = "";
  let at = from;
  for (const cut of cuts.sort((one, other) => one.from - other.from)) {
    if (cut.from < at) continue;
    text += file.text.slice(at, cut.from) + cut.put;
    at = cut.to;
  }
  text += file.text.slice(at, node.getEnd());
  return outdent(text, indentAt(file.text, from));
}

/** Members in braces below a header, as an interface or a class is written. */
export function bracedText(header: string, members: readonly string[]): string {
  if (members.length === 0) return `${header} {}`;
  const lines = members.flatMap((member) => wrapSignature(member).split("\n"));
  return [`${header} {`, ...lines.map((line) => `  ${line}`), "}"].join("\n");
}

interface Cut {
  readonly from: number;
  readonly to: number;
  readonly put: string;
}

/** `export`, and `override` of members: facts about the sources, not about the name. */
function modifierCuts(node: ts.Node): Cut[] {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return modifiers
    .filter(({ kind }) => kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.OverrideKeyword)
    .map((modifier) => ({ from: modifier.getStart(), to: skipSpace(node, modifier.getEnd()), put: "" }));
}

function skipSpace(node: ts.Node, at: number): number {
  const { text } = node.getSourceFile();
  let end = at;
  while (/\s/.test(text[end] ?? "")) end += 1;
  return end;
}

function bodyCuts(node: ts.Node): Cut[] {
  const hasBody =
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isGetAccessorDeclaration(node);
  if (!hasBody || node.body === undefined) return [];
  return [{ from: node.body.getFullStart(), to: node.getEnd(), put: ";" }];
}

/** Comments lie between tokens, so it is tokens that are asked for them. */
function commentCuts(node: ts.Node): Cut[] {
  const { text } = node.getSourceFile();
  const cuts = new Map<number, Cut>();
  const visit = (child: ts.Node): void => {
    if (ts.isJSDoc(child)) return;
    const children = child.getChildren();
    if (children.length > 0) {
      for (const one of children) visit(one);
      return;
    }
    const ranges = [
      ...(ts.getLeadingCommentRanges(text, child.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, child.getEnd()) ?? []),
    ];
    for (const { pos, end } of ranges) {
      if (pos < node.getStart() || end > node.getEnd()) continue;
      cuts.set(pos, { from: lineStart(text, pos), to: end, put: "" });
    }
  };
  visit(node);
  return [...cuts.values()];
}

/** Where the white space before a comment begins, its line break included. */
function lineStart(text: string, at: number): number {
  let start = at;
  while (text[start - 1] === " ") start -= 1;
  return text[start - 1] === "\n" ? start - 1 : at;
}

function indentAt(text: string, at: number): number {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return /^ */.exec(text.slice(start, at))?.[0].length ?? 0;
}

function outdent(text: string, spaces: number): string {
  return text
    .split("\n")
    .map((line, at) => (at > 0 && line.slice(0, spaces).trim() === "" ? line.slice(spaces) : line).trimEnd())
    .join("\n");
}

/** Puts each parameter on a line of its own where one line would be too long for the page. */
export function wrapSignature(text: string): string {
  if (text.includes("\n") || text.length <= maxWidth) return text;
  const open = text.indexOf("(");
  const close = open < 0 ? -1 : matching(text, open);
  if (close < 0) return text;
  const parameters = splitTop(text.slice(open + 1, close));
  if (parameters.length === 0) return text;
  return [`${text.slice(0, open)}(`, ...parameters.map((one) => `  ${one.trim()},`), text.slice(close)].join("\n");
}

function matching(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if ("([{".includes(text[at]!)) depth += 1;
    if (")]}".includes(text[at]!)) depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

/** Splits at the commas that are in no bracket. `=>` is no bracket. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const arrow = text[at] === ">" && text[at - 1] === "=";
    if ("([{<".includes(text[at]!)) depth += 1;
    if (")]}>".includes(text[at]!) && !arrow) depth -= 1;
    if (text[at] === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)].filter((part) => part.trim() !== "");
}

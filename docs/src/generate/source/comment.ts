import ts from "typescript";

/** What a doc comment says, in its own Markdown. */
export interface SourceComment {
  /** Paragraphs of the text. */
  readonly paragraphs: readonly string[];
  readonly throws: readonly string[];
}

/** Reads the doc comment that stands directly before a declaration. */
export function readComment(node: ts.Node): SourceComment {
  const holder = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const comment = ts.getJSDocCommentsAndTags(holder).filter(ts.isJSDoc).at(-1);
  const throws = (comment?.tags ?? [])
    .filter((tag) => tag.tagName.text === "throws")
    .map((tag) => `${ts.isJSDocThrowsTag(tag) ? (tag.typeExpression?.getText() ?? "") : ""} ${textOf(tag.comment)}`);
  return {
    paragraphs: textOf(comment?.comment)
      .split(/\n\s*\n/)
      .map((paragraph) => paragraph.trim())
      .filter((paragraph) => paragraph !== ""),
    throws: throws.map((text) => text.trim()),
  };
}

function textOf(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  return ts.getTextOfJSDocComment(comment) ?? "";
}

import ts from "typescript";
import { readComment } from "./comment.ts";

/** A field of an interface, as its source states it. */
export interface SourceField {
  readonly name: string;
  readonly optional: boolean;
  /** The type's text, on one line. */
  readonly type: string;
  /** The doc comment's text without its stars and tags; empty if there is none. */
  readonly comment: string;
}

/** An interface, a union or a table of constants, as its own source states it. */
export interface SourceDeclaration {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly SourceField[];
}

/** The fields of an interface itself, without what it inherits. @throws {Error} if it is none. */
export function readInterface(node: ts.Declaration): SourceDeclaration {
  if (!ts.isInterfaceDeclaration(node)) throw new Error(`${nameOf(node)} is no interface`);
  const fields = node.members.filter(ts.isPropertySignature).map(property);
  return { name: nameOf(node), comment: commentOf(node), fields };
}

/** The fields that an alias of an object type has in any case: of an intersection's parts, but not of a union's. */
export function readObject(node: ts.Declaration): SourceDeclaration {
  const type = typeOf(node);
  const parts = ts.isIntersectionTypeNode(type) ? [...type.types] : [type];
  const fields = parts
    .filter(ts.isTypeLiteralNode)
    .flatMap(({ members }) => members.filter(ts.isPropertySignature).map(property));
  return { name: nameOf(node), comment: commentOf(node), fields };
}

/** The strings of a union of literals, each with the comment before it. @throws {Error} if it is anything else. */
export function readLiterals(node: ts.Declaration): SourceDeclaration {
  const type = typeOf(node);
  const { text } = node.getSourceFile();
  let from = type.getFullStart();
  const fields = (ts.isUnionTypeNode(type) ? type.types : [type]).map((part) => {
    if (!ts.isLiteralTypeNode(part) || !ts.isStringLiteral(part.literal)) {
      throw new Error(`${nameOf(node)} is not a union of strings`);
    }
    // A comment on a member stands before its `|`, where the syntax tree has no node.
    const between = text.slice(from, part.getStart()).match(/\/\*[\s\S]*?\*\//g) ?? [];
    from = part.getEnd();
    return { name: part.literal.text, optional: false, type: "string", comment: between.map(plainComment).join(" ") };
  });
  return { name: nameOf(node), comment: commentOf(node), fields };
}

/** The properties of a constant that is one object literal, with their values' text as type. */
export function readConstant(node: ts.Declaration): SourceDeclaration {
  const initializer = ts.isVariableDeclaration(node) ? node.initializer : undefined;
  const object = initializer === undefined ? undefined : objectOf(initializer);
  if (object === undefined) throw new Error(`${nameOf(node)} is no constant with an object literal`);
  const fields = object.properties.filter(ts.isPropertyAssignment).map((one) => ({
    name: one.name.getText().replace(/^["']|["']$/g, ""),
    optional: false,
    type: oneLine(one.initializer.getText()),
    comment: commentOf(one),
  }));
  return { name: nameOf(node), comment: commentOf(node), fields };
}

function typeOf(node: ts.Declaration): ts.TypeNode {
  if (!ts.isTypeAliasDeclaration(node)) throw new Error(`${nameOf(node)} is no type alias`);
  return node.type;
}

function nameOf(node: ts.Declaration): string {
  return ts.getNameOfDeclaration(node)?.getText() ?? "a declaration";
}

function property(member: ts.PropertySignature): SourceField {
  return {
    name: member.name.getText(),
    optional: member.questionToken !== undefined,
    type: oneLine(member.type?.getText() ?? "unknown"),
    comment: commentOf(member),
  };
}

function objectOf(node: ts.Expression): ts.ObjectLiteralExpression | undefined {
  if (ts.isObjectLiteralExpression(node)) return node;
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return objectOf(node.expression);
  return undefined;
}

function commentOf(node: ts.Node): string {
  return oneLine(readComment(node).paragraphs.join(" "));
}

function plainComment(text: string): string {
  return oneLine(
    text
      .replace(/^\/\*\*?|\*\/$/g, "")
      .replace(/^\s*\*/gm, "")
      .replace(/^\/\//gm, ""),
  );
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

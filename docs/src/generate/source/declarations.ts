import ts from "typescript";

/** A field of an interface, as its source states it. */
export interface SourceField {
  readonly name: string;
  readonly optional: boolean;
  /** The type's text, on one line. */
  readonly type: string;
  /** The doc comment's text without its stars and tags; empty if there is none. */
  readonly comment: string;
  /** Line of the declaration, from 1. */
  readonly line: number;
}

/** An interface or a table of constants, read from one source file without resolving anything. */
export interface SourceDeclaration {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly SourceField[];
}

/** A source file's declarations, by their syntax alone: quick, and enough for names, types and comments. */
export class SourceDeclarations {
  readonly #file: ts.SourceFile;
  readonly #path: string;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  }

  /** The interface's own fields. @throws {Error} if the file has no such interface. */
  interface(name: string): SourceDeclaration {
    const found = this.#file.statements.find(
      (statement): statement is ts.InterfaceDeclaration =>
        ts.isInterfaceDeclaration(statement) && statement.name.text === name,
    );
    if (found === undefined) throw this.#absent("interface", name);
    const fields = found.members.filter(ts.isPropertySignature).map((member) => this.#property(member));
    return { name, comment: commentOf(found), fields };
  }

  /** The fields of all object types in a type alias; for a union or an intersection, of its parts. */
  alias(name: string): SourceDeclaration {
    const found = this.#alias(name);
    const fields: SourceField[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isPropertySignature(node)) fields.push(this.#property(node));
      else ts.forEachChild(node, visit);
    };
    visit(found.type);
    return { name, comment: commentOf(found), fields };
  }

  /** The strings of a union of literals, each with the comment before it. */
  literals(name: string): SourceDeclaration {
    const found = this.#alias(name);
    const parts = ts.isUnionTypeNode(found.type) ? found.type.types : [found.type];
    const fields = parts.map((part) => {
      if (!ts.isLiteralTypeNode(part) || !ts.isStringLiteral(part.literal)) {
        throw new Error(`${this.#path}: ${name} is not a union of strings`);
      }
      const comment = (ts.getLeadingCommentRanges(this.#file.text, part.pos) ?? [])
        .map((range) => this.#file.text.slice(range.pos, range.end))
        .map(plainComment)
        .join(" ");
      return { name: part.literal.text, optional: false, type: "string", comment, line: this.#line(part) };
    });
    return { name, comment: commentOf(found), fields };
  }

  /** The properties of a constant that is one object literal, with their values' text as type. */
  constant(name: string): SourceDeclaration {
    for (const statement of this.#file.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find((one) => one.name.getText() === name);
      const object = found?.initializer === undefined ? undefined : objectOf(found.initializer);
      if (object === undefined) continue;
      const fields = object.properties.filter(ts.isPropertyAssignment).map((property) => ({
        name: property.name.getText().replace(/^["']|["']$/g, ""),
        optional: false,
        type: oneLine(property.initializer.getText()),
        comment: commentOf(property),
        line: this.#line(property),
      }));
      return { name, comment: commentOf(statement), fields };
    }
    throw this.#absent("constant", name);
  }

  #alias(name: string): ts.TypeAliasDeclaration {
    const found = this.#file.statements.find(
      (statement): statement is ts.TypeAliasDeclaration =>
        ts.isTypeAliasDeclaration(statement) && statement.name.text === name,
    );
    if (found === undefined) throw this.#absent("type", name);
    return found;
  }

  #property(member: ts.PropertySignature): SourceField {
    return {
      name: member.name.getText(),
      optional: member.questionToken !== undefined,
      type: oneLine(member.type?.getText() ?? "unknown"),
      comment: commentOf(member),
      line: this.#line(member),
    };
  }

  #line(node: ts.Node): number {
    return this.#file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  }

  #absent(kind: string, name: string): Error {
    return new Error(`${this.#path} has no ${kind} ${name}; if it moved, say where in docs/src/generate`);
  }
}

function objectOf(node: ts.Expression): ts.ObjectLiteralExpression | undefined {
  if (ts.isObjectLiteralExpression(node)) return node;
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return objectOf(node.expression);
  return undefined;
}

/** The doc comment's own text; tags such as `@throws` are not part of it. */
function commentOf(node: ts.Node): string {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = comments.at(-1)?.comment;
  return oneLine(typeof text === "string" ? text : (ts.getTextOfJSDocComment(text) ?? ""));
}

function plainComment(text: string): string {
  return oneLine(text.replace(/^\/\*\*?|\*\/$/g, "").replace(/^\s*\*/gm, "").replace(/^\/\//gm, ""));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

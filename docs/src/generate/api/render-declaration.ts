import type { DeclarationReflection } from "typedoc";
import ts from "typescript";
import { block, code, outsideCode, paragraphs, prose, withoutRuleNames } from "../markdown.ts";
import { readComment } from "../source/comment.ts";
import { bracedText, declarationText, wrapSignature } from "./declaration-text.ts";
import type { Api } from "./read-api.ts";

/** A declaration to document: its name on this page, where it was declared, and all members if TypeDoc knows them. */
export interface Documented {
  readonly name: string;
  readonly node: ts.Declaration;
  readonly reflection: DeclarationReflection | null;
}

/** What a page knows about names: where each is explained. */
export interface NameIndex {
  /** The address of the name's section, or null if no page has one. */
  hrefOf(node: ts.Declaration): string | null;
  /** The same by the bare name, for `{@link}`. */
  hrefOfName(name: string): string | null;
}

/** A section: heading, text, signature, members and what it throws. */
export function renderDeclaration(api: Api, documented: Documented, names: NameIndex): string {
  const { node } = documented;
  const comment = readComment(node);
  const members = shownMembers(api, documented, names);
  return paragraphs(
    `### ${documented.name}`,
    ...comment.paragraphs.map((text) => linkedProse(text, names)),
    block("ts", signature(documented, members, names, api)),
    mentioned(api, documented, members, names),
    ...memberList(members, names),
    ...throwsList(comment.throws, names),
  );
}

/** What a page's signature shows of an interface or a class, in the order of the sources. */
function shownMembers(api: Api, { node, reflection }: Documented, names: NameIndex): readonly ts.Declaration[] {
  if (!ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node)) return [];
  const own: readonly ts.Declaration[] = [...node.members].filter((member) => !isPrivate(member));
  if (reflection === null || !hasUnexplainedParent(api, node, names)) return own;
  return (reflection.children ?? []).flatMap((child) => [...api.nodesOf(child)]);
}

function isPrivate(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true;
  const modifiers = ts.canHaveModifiers(member) ? ts.getModifiers(member) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) ?? false;
}

/** Whether it inherits from a type of ours that no page explains: its members are then shown as its own. */
function hasUnexplainedParent(
  api: Api,
  node: ts.InterfaceDeclaration | ts.ClassDeclaration,
  names: NameIndex,
): boolean {
  return parentsOf(node).some((parent) => !isExplained(api, parent, names));
}

function parentsOf(node: ts.InterfaceDeclaration | ts.ClassDeclaration): readonly ts.ExpressionWithTypeArguments[] {
  return (node.heritageClauses ?? []).flatMap((clause) => [...clause.types]);
}

function isExplained(api: Api, parent: ts.ExpressionWithTypeArguments, names: NameIndex): boolean {
  // `Omit<Parent, …>` changes what is inherited: only the members themselves tell.
  if (/^(Omit|Pick|Partial|Required)$/.test(parent.expression.getText())) return false;
  const declaration = api.declarationOf(parent.expression);
  return declaration === null || names.hrefOf(declaration) !== null;
}

function signature({ name, node }: Documented, members: readonly ts.Declaration[], names: NameIndex, api: Api): string {
  if (ts.isTypeAliasDeclaration(node)) return plainComments(declarationText(node, { comments: true }));
  if (ts.isVariableDeclaration(node)) return `const ${declarationText(node)};`;
  if (!ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node)) return wrapSignature(declarationText(node));
  const parents = parentsOf(node).filter((parent) => isExplained(api, parent, names));
  const parameters = node.typeParameters?.map((parameter) => parameter.getText()).join(", ");
  const header = [
    ts.isClassDeclaration(node) ? "class" : "interface",
    `${name}${parameters === undefined ? "" : `<${parameters}>`}`,
    ...(parents.length === 0 ? [] : [`extends ${parents.map((parent) => parent.getText()).join(", ")}`]),
  ].join(" ");
  return bracedText(
    header,
    members.map((member) => declarationText(member)),
  );
}

/** Comments inside a signature cannot hold links, nor names of rules. */
function plainComments(text: string): string {
  return withoutRuleNames(text).replace(/\{@link\s+([\w.]+)[^}]*\}/g, "`$1`");
}

/** Links to the types that the signature names: code blocks cannot hold them. */
function mentioned(api: Api, { node }: Documented, members: readonly ts.Declaration[], names: NameIndex): string {
  const links = new Map<string, string>();
  for (const name of namesIn(members.length > 0 ? [node, ...members] : [node])) {
    const declaration = api.declarationOf(name);
    const href = declaration === null || declaration === node ? null : names.hrefOf(declaration);
    if (href !== null) links.set(name.getText(), href);
  }
  if (links.size === 0) return "";
  return `See ${[...links].map(([name, href]) => `[${code(name)}](${href})`).join(", ")}.`;
}

/** Every name of a type below these nodes; bodies of functions are not looked into. */
export function namesIn(nodes: readonly ts.Node[]): readonly ts.Identifier[] {
  const found: ts.Identifier[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || isHidden(node)) return;
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) found.push(node.typeName);
    if (ts.isExpressionWithTypeArguments(node) && ts.isIdentifier(node.expression)) found.push(node.expression);
    if (ts.isTypeQueryNode(node) && ts.isIdentifier(node.exprName)) found.push(node.exprName);
    ts.forEachChild(node, visit);
  };
  for (const node of nodes) visit(node);
  return found;
}

function isHidden(node: ts.Node): boolean {
  return (ts.isClassElement(node) || ts.isTypeElement(node)) && isPrivate(node);
}

function memberList(members: readonly ts.Declaration[], names: NameIndex): string[] {
  const items = members.flatMap((member) => {
    const { paragraphs: texts, throws } = readComment(member);
    if (texts.length === 0 && throws.length === 0) return [];
    const sentences = [...texts, ...throws.map((text) => `Throws ${braced(text)}`)].map((text) =>
      linkedProse(text, names),
    );
    return [`- ${code(memberName(member))}: ${sentences.join(" ")}`];
  });
  return items.length === 0 ? [] : [items.join("\n")];
}

/** `timeoutMs?`, or for what is called `allow(key, policy, options?)`. */
function memberName(member: ts.Declaration): string {
  const name = ts.isConstructorDeclaration(member) ? "constructor" : (ts.getNameOfDeclaration(member)?.getText() ?? "");
  if (ts.isMethodSignature(member) || ts.isMethodDeclaration(member) || ts.isConstructorDeclaration(member)) {
    const parameters = member.parameters.map(
      (one) => one.name.getText() + (one.questionToken !== undefined || one.initializer !== undefined ? "?" : ""),
    );
    return `${name}(${parameters.join(", ")})`;
  }
  const optional = ts.isPropertySignature(member) && member.questionToken !== undefined;
  return optional ? `${name}?` : name;
}

function throwsList(throws: readonly string[], names: NameIndex): string[] {
  if (throws.length === 0) return [];
  return [`**Throws**\n\n${throws.map((text) => `- ${linkedProse(braced(text), names)}`).join("\n")}`];
}

/** `{GuardError} invalid_argument when …` as a sentence with its names as code. */
function braced(text: string): string {
  // What follows the class goes on with its sentence: "As `allow`" becomes "as `allow`".
  const linked = text.replace(
    /^\{(\w+)\}\s*([A-Z](?=[a-z]* ))?/,
    (_, name: string, first = "") => `{@link ${name}} ${first.toLowerCase()}`,
  );
  return outsideCode(linked, (plain) => plain.replace(/\b[a-z]+(?:_[a-z]+)+\b/g, code));
}

/** Text of a comment with its `{@link}`s resolved; one to a name that no page explains stays code. */
function linkedProse(text: string, names: NameIndex): string {
  const linked = prose(
    text.replace(/\{@link\s+([\w.]+)[^}]*\}/g, (_, name: string) => {
      const href = names.hrefOfName(name);
      return href === null ? code(name) : `[${code(name)}](${href})`;
    }),
  );
  return linked;
}

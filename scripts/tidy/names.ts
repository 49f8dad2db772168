import type { Node } from "oxc-parser";
import { type Finding, isTestFile, type SourceFile } from "./source-file.ts";

/** Read by programs that look for a default export: configurations by their tools, workers by the edge runtimes. */
const demandsDefault = /(\.config|\/[a-z-]*worker)\.ts$/;

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Files and folders are kebab-case; exports are named, and each says what it is. */
export function checkNames(file: SourceFile): readonly Finding[] {
  const found: Finding[] = [];
  for (const part of file.path.split("/").flatMap((folder) => folder.split("."))) {
    if (part !== "" && !kebabCase.test(part)) {
      found.push({ path: file.path, line: 0, message: `"${part}" is not kebab-case` });
    }
  }
  if (file.program.type === "Program" && !isTestFile(file.path)) found.push(...checkExports(file, file.program.body));
  return found;
}

function checkExports(file: SourceFile, statements: readonly Node[]): readonly Finding[] {
  const found: Finding[] = [];
  const documented = new Set<string>();
  const isIndex = /^packages\/[^/]+\/src\/index\.ts$/.test(file.path);
  let documentedLine = Number.NEGATIVE_INFINITY;
  for (const statement of statements) {
    const line = file.lineAt(statement.start);
    if (statement.type === "ExportDefaultDeclaration" && !demandsDefault.test(file.path)) {
      found.push({ path: file.path, line, message: "exports are named; a default has no name to search for" });
    }
    if (statement.type === "ExportAllDeclaration" && isIndex && !statement.source.value.startsWith("./gen/")) {
      found.push({ path: file.path, line, message: "index.ts names what it exports; no export *" });
    }
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration === null) continue;
    const names = declaredNames(statement.declaration);
    // One comment may stand over a block of exports that belong together: no blank line between them.
    const covered = hasDoc(file, statement) || documentedLine === line - 1;
    if (covered) {
      documentedLine = file.lineAt(statement.end - 1);
      for (const name of names) documented.add(name);
      continue;
    }
    for (const name of names) {
      // A type and its values share a name and a comment; so do overloads.
      if (!documented.has(name))
        found.push({ path: file.path, line, message: `${name} is exported without a doc comment` });
    }
  }
  return found;
}

function declaredNames(declaration: Node): readonly string[] {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
  }
  const { id } = declaration as { id?: { name?: string } | null };
  return id?.name === undefined ? [] : [id.name];
}

function hasDoc(file: SourceFile, statement: Node): boolean {
  const comment = file.comments.findLast((one) => one.end <= statement.start);
  if (comment === undefined || comment.type !== "Block" || !comment.value.startsWith("*")) return false;
  return file.text.slice(comment.end, statement.start).trim() === "";
}

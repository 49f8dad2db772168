import { type Comment, type Node, parseSync, visitorKeys } from "oxc-parser";

/** A parsed source file, as the rules see it. Lines count from 1. */
export interface SourceFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly program: Node;
  readonly comments: readonly Comment[];
  readonly imports: readonly ImportSite[];
  readonly syntaxErrors: readonly string[];
  /** Line of an offset. */
  lineAt(offset: number): number;
}

/** An `import`, `export … from` or `import()` of a literal. */
export interface ImportSite {
  readonly specifier: string;
  readonly line: number;
}

/** Something that breaks the house style: where, what, and what to do. */
export interface Finding {
  readonly path: string;
  /** 0: the file as a whole. */
  readonly line: number;
  readonly message: string;
}

/** A node with what is above it, root first. Return false to leave out what is below. */
export type Visit = (node: Node, ancestors: readonly Node[]) => boolean | undefined;

/** Walks a syntax tree in source order. */
export function walk(root: Node, visit: Visit): void {
  const ancestors: Node[] = [];
  const enter = (node: Node): void => {
    if (visit(node, ancestors) === false) return;
    ancestors.push(node);
    for (const key of visitorKeys[node.type] ?? []) {
      const child = (node as unknown as Record<string, unknown>)[key];
      for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) enter(one);
    }
    ancestors.pop();
  };
  enter(root);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** Parses one TypeScript (or `.mjs`) file. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text, { astType: "ts" });
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const lineAt = (offset: number): number => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
  return {
    path,
    text,
    lineCount: text.endsWith("\n") ? starts.length - 1 : starts.length,
    program,
    comments,
    imports: findImports(program, lineAt),
    syntaxErrors: errors.filter((error) => error.severity === "Error").map((error) => error.message),
    lineAt,
  };
}

function findImports(program: Node, lineAt: (offset: number) => number): readonly ImportSite[] {
  const imports: ImportSite[] = [];
  walk(program, (node) => {
    const source =
      node.type === "ImportDeclaration" || node.type === "ImportExpression"
        ? node.source
        : node.type === "ExportNamedDeclaration" || node.type === "ExportAllDeclaration"
          ? node.source
          : node.type === "TSImportType"
            ? node.source
            : null;
    if (source?.type === "Literal" && typeof source.value === "string") {
      imports.push({ specifier: source.value, line: lineAt(node.start) });
    }
    return undefined;
  });
  return imports;
}

/** True for files that only tests run: they may reach further, and are not published. */
export function isTestFile(path: string): boolean {
  return /\.(test|contract|fixture|bench|test-d)\.ts$/.test(path) || /\/(testing|test|tests|fixtures)\//.test(path);
}

/** True for code that a tool wrote. */
export function isGenerated(path: string): boolean {
  return path.includes("/src/gen/");
}

/** The package that a file belongs to (`raft` for `packages/raft/src/raft.ts`), or the first folder of its path. */
export function packageOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  return first === "packages" ? second : first;
}

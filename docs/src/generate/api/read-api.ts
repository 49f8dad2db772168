import { fileURLToPath } from "node:url";
import {
  Application,
  type Context,
  Converter,
  type DeclarationReflection,
  LogLevel,
  type ProjectReflection,
  ReferenceReflection,
  type Reflection,
} from "typedoc";
import ts from "typescript";
import { repositoryRoot } from "../repository.ts";

/** The source packages, as TypeDoc understands them. */
export interface Api {
  /** What an entry point exports, each by the name under which it does, in the order of the sources. */
  exportsOf(entryPoint: string): readonly ApiExport[];
  /** Where an entry point's export is declared. @throws {Error} if it exports no such name. */
  nodeOf(entryPoint: string, name: string): ts.Declaration;
  /** Where a reflection was declared; a method with overloads, at several places. */
  nodesOf(reflection: Reflection): readonly ts.Declaration[];
  /** The declaration that a name in a type stands for, if it is one of this repository's sources. */
  declarationOf(name: ts.Node): ts.Declaration | null;
}

/** An exported name and what it stands for. */
export interface ApiExport {
  readonly name: string;
  readonly declaration: DeclarationReflection;
}

/** Entry points, in whose order TypeDoc gives a name its home: that of the package that declares it. */
const entryPoints = [
  "packages/limiter/src/index.ts",
  "packages/sdk-core/src/index.ts",
  "packages/sdk-node/src/index.ts",
  "packages/sdk-node/src/tokens/index.ts",
  "packages/sdk-web/src/index.ts",
  "packages/sdk-web/src/react.ts",
  "packages/sdk-web/src/edge.ts",
  "packages/middleware/src/index.ts",
  "packages/cluster/src/index.ts",
  "packages/cluster/src/testing-kit/index.ts",
] as const;

/** Reads all packages' sources, which takes some two seconds. */
export async function readApi(): Promise<Api> {
  const app = await Application.bootstrap({
    tsconfig: fileURLToPath(new URL("tsconfig.json", import.meta.url)),
    entryPoints: entryPoints.map((path) => `${repositoryRoot}/${path}`),
    basePath: repositoryRoot,
    readme: "none",
    disableSources: true,
    disableGit: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    skipErrorChecking: true,
    sort: ["source-order"],
    logLevel: LogLevel.None,
  });
  const { nodes, checkers } = rememberNodes(app.converter);
  const project = await app.convert();
  if (project === undefined) throw new Error("TypeDoc cannot read the packages' sources; does `npm test` type-check?");
  const moduleOf = (entryPoint: string) => findModule(project, entryPoint);
  return {
    exportsOf: (entryPoint) => (moduleOf(entryPoint).children ?? []).map(toExport),
    nodeOf(entryPoint, name) {
      const child = moduleOf(entryPoint).children?.find((one) => one.name === name);
      const node = child === undefined ? undefined : nodes.get(toExport(child).declaration)?.[0];
      if (node !== undefined) return node;
      throw new Error(`${entryPoint} exports no ${name}; if it has another name now, tell docs/src/generate`);
    },
    nodesOf: (reflection) => nodes.get(reflection) ?? [],
    declarationOf: (name) => declarationOf(name, [...checkers]),
  };
}

function rememberNodes(converter: Converter) {
  const nodes = new Map<Reflection, readonly ts.Declaration[]>();
  const checkers = new Set<ts.TypeChecker>();
  converter.on(Converter.EVENT_CREATE_DECLARATION, (context: Context, reflection: Reflection) => {
    nodes.set(reflection, context.getSymbolFromReflection(reflection)?.declarations ?? []);
    checkers.add(context.checker);
  });
  return { nodes, checkers };
}

function declarationOf(name: ts.Node, checkers: readonly ts.TypeChecker[]): ts.Declaration | null {
  for (const checker of checkers) {
    const symbol = checker.getSymbolAtLocation(name);
    if (symbol === undefined) continue;
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const declaration = target.declarations?.[0];
    if (declaration === undefined || ts.isTypeParameterDeclaration(declaration)) return null;
    const { fileName } = declaration.getSourceFile();
    return fileName.startsWith(`${repositoryRoot}/packages/`) && !fileName.includes("/node_modules/")
      ? declaration
      : null;
  }
  return null;
}

function findModule(project: ProjectReflection, entryPoint: string): DeclarationReflection {
  const name = entryPoint.replace(/\/index\.ts$/, "").replace(/\.ts$/, "");
  const found = project.children?.find((child) => child.name === name);
  if (found === undefined) {
    const known = project.children?.map((child) => child.name).join(", ");
    throw new Error(`TypeDoc has no module ${name}; it has ${known}`);
  }
  return found;
}

function toExport(child: DeclarationReflection): ApiExport {
  const target = child instanceof ReferenceReflection ? child.tryGetTargetReflectionDeep() : child;
  if (target === undefined) throw new Error(`TypeDoc does not know what ${child.name} stands for`);
  return { name: child.name, declaration: target as DeclarationReflection };
}

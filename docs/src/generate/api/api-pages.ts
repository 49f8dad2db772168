import ts from "typescript";
import { anchorOf, code, paragraphs, prose } from "../markdown.ts";
import { hrefOf, type Page } from "../page.ts";
import { readComment } from "../source/comment.ts";
import type { Api } from "./read-api.ts";
import { type Documented, type NameIndex, namesIn, renderDeclaration } from "./render-declaration.ts";

/** What one page documents. */
interface ApiPageSpec {
  readonly path: string;
  readonly title: string;
  readonly description: string;
  readonly order: number;
  /** Paragraphs before the first heading, in Markdown. */
  readonly introduction: string;
  /** What a reader imports: the specifier, and the source that it stands for. */
  readonly entries: readonly { readonly specifier: string; readonly source: string }[];
}

const specs: readonly ApiPageSpec[] = [
  {
    path: "reference/sdk-node",
    title: "@quorumguard/sdk-node",
    description: "Every name that the SDK for Node exports: createGuard, Guard, decisions, rules and errors.",
    order: 1,
    introduction:
      "The SDK for Node services, over gRPC. The entry `@quorumguard/sdk-node/tokens` makes tokens for those who are not to be trusted with more.",
    entries: [
      { specifier: "@quorumguard/sdk-node", source: "packages/sdk-node/src/index.ts" },
      { specifier: "@quorumguard/sdk-node/tokens", source: "packages/sdk-node/src/tokens/index.ts" },
    ],
  },
  {
    path: "reference/sdk-web",
    title: "@quorumguard/sdk-web",
    description:
      "Every name that the SDK for pages exports: createGuard, BrowserGuard, countdowns and the hook for React.",
    order: 2,
    introduction: [
      "The SDK for [pages in browsers](/start/browsers/), over `fetch`. The entry `@quorumguard/sdk-web/react` is a hook around its guard. The whole",
      "guard over `fetch`, for servers and edge runtimes, is [another entry](/reference/sdk-web-edge/).",
    ].join(" "),
    entries: [
      { specifier: "@quorumguard/sdk-web", source: "packages/sdk-web/src/index.ts" },
      { specifier: "@quorumguard/sdk-web/react", source: "packages/sdk-web/src/react.ts" },
    ],
  },
  {
    path: "reference/sdk-web-edge",
    title: "@quorumguard/sdk-web/edge",
    description:
      "Every name that the SDK for edge runtimes and servers over fetch exports: createGuard and its options.",
    order: 2.2,
    introduction:
      "The whole guard over `fetch`, for [edge runtimes and servers](/start/edge-and-http/), which are trusted: it chooses limits.",
    entries: [{ specifier: "@quorumguard/sdk-web/edge", source: "packages/sdk-web/src/edge.ts" }],
  },
  {
    path: "reference/middleware",
    title: "@quorumguard/middleware",
    description:
      "The core of the middleware for web frameworks: its options, what a request comes to, and how to build on it.",
    order: 2.5,
    introduction: [
      "What the middleware of all frameworks shares. `@quorumguard/middleware/express`, `/fastify`, `/hono` and `/nest` each have a `rateLimit`",
      "that takes `RateLimitOptions` of the framework's own request, and `/next` has the `withRateLimit` that is explained here: see",
      "[the guide](/start/middleware/).",
    ].join(" "),
    entries: [{ specifier: "@quorumguard/middleware", source: "packages/middleware/src/index.ts" }],
  },
  {
    path: "reference/cluster",
    title: "@quorumguard/cluster",
    description:
      "Running a node from code: startServer, its options and what it tells. A cluster in tests: startTestCluster.",
    order: 3,
    introduction: [
      "A node, run from code. Most people want the [command](/reference/command-line/) instead.",
      "`startServer` starts one; what it resolves with tells where the node listens and how it is, and stops it.",
      "The entry `@quorumguard/cluster/testing` starts whole clusters in [tests](/start/testing-your-code/).",
    ].join(" "),
    entries: [
      { specifier: "@quorumguard/cluster", source: "packages/cluster/src/index.ts" },
      { specifier: "@quorumguard/cluster/testing", source: "packages/cluster/src/testing-kit/index.ts" },
    ],
  },
];

/** A page per package. A type that two packages export is explained on the first one's page; the other's links there. */
export function apiPages(api: Api): readonly Page[] {
  const homes = new Map<ts.Declaration, string>();
  return specs.map((spec) => apiPage(api, spec, homes));
}

/** Where a name of any of these pages is explained; of two with one name, the first. */
export function typeIndex(pages: readonly Page[]): (name: string) => string | null {
  const hrefs = new Map<string, string>();
  for (const { path, body } of pages) {
    for (const [, name = ""] of body.matchAll(/^### (\w+)$/gm)) {
      if (!hrefs.has(name)) hrefs.set(name, `${hrefOf(path)}#${anchorOf(name)}`);
    }
  }
  return (name) => hrefs.get(name) ?? null;
}

function apiPage(api: Api, spec: ApiPageSpec, homes: Map<ts.Declaration, string>): Page {
  const exported = exportsOf(api, spec);
  const own = inReadingOrder(
    api,
    exported.filter(({ node }) => !homes.has(node)),
  );
  const elsewhere = exported.filter(({ node }) => homes.has(node));
  for (const { node, name } of own) homes.set(node, `${hrefOf(spec.path)}#${anchorOf(name)}`);
  const unnamed = closure(api, own, homes);
  for (const { node, name } of unnamed) homes.set(node, `${hrefOf(spec.path)}#${anchorOf(name)}`);
  const names = nameIndex(homes, hrefOf(spec.path));
  const render = (documented: Documented) => renderDeclaration(api, documented, names);
  const body = paragraphs(
    spec.introduction,
    ...sections.flatMap(({ title, test }) => section(title, own.filter(({ node }) => test(node)).map(render))),
    ...section("Types without an export", [
      ...(unnamed.length === 0 ? [] : ["The types above name these; they cannot be imported by name."]),
      ...unnamed.map(render),
    ]),
    ...section("Shared with other packages", elsewhere.length === 0 ? [] : [sharedList(elsewhere, homes)]),
  );
  const { path, title, description, order } = spec;
  return { path, title, description, order, body };
}

function exportsOf(api: Api, { entries }: ApiPageSpec): readonly Documented[] {
  const found = new Map<ts.Declaration, Documented>();
  for (const { source } of entries) {
    for (const { name, declaration } of api.exportsOf(source)) {
      const node = api.nodesOf(declaration)[0];
      if (node === undefined) throw new Error(`${source}: nobody knows where ${name} is declared`);
      if (!found.has(node)) found.set(node, { name, node, reflection: declaration });
    }
  }
  return [...found.values()];
}

/** Functions first, then what they take and give, then what that mentions; what nothing mentions comes last. */
function inReadingOrder(api: Api, documented: readonly Documented[]): readonly Documented[] {
  const byNode = new Map<ts.Node, Documented>(documented.map((one) => [one.node, one]));
  const functions = documented.filter(({ node }) => ts.isFunctionDeclaration(node));
  const ordered = new Set<Documented>(functions);
  // The set grows while it is gone through: breadth first.
  for (const { node } of ordered) {
    for (const name of namesIn([node])) {
      const found = byNode.get(api.declarationOf(name) ?? name);
      if (found !== undefined) ordered.add(found);
    }
  }
  return [...ordered, ...documented.filter((one) => !ordered.has(one))];
}

const sections: readonly { readonly title: string; readonly test: (node: ts.Declaration) => boolean }[] = [
  { title: "Functions", test: ts.isFunctionDeclaration },
  { title: "Interfaces", test: ts.isInterfaceDeclaration },
  { title: "Types", test: ts.isTypeAliasDeclaration },
  { title: "Classes", test: ts.isClassDeclaration },
  { title: "Constants", test: ts.isVariableDeclaration },
];

function section(title: string, parts: readonly string[]): string[] {
  return parts.length === 0 ? [] : [`## ${title}`, ...parts];
}

/** Types of ours that the signatures name and nobody exports: a reader must see them all the same. */
function closure(api: Api, roots: readonly Documented[], homes: ReadonlyMap<ts.Declaration, string>): Documented[] {
  const found = new Map<ts.Declaration, Documented>();
  const queue: ts.Node[] = roots.flatMap(({ node, reflection }) => [
    node,
    ...(reflection?.children ?? []).flatMap((child) => [...api.nodesOf(child)]),
  ]);
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    for (const name of namesIn([node])) {
      const declaration = api.declarationOf(name);
      if (declaration === null || homes.has(declaration) || found.has(declaration)) continue;
      if (isFlattened(declaration, name)) continue;
      found.set(declaration, { name: name.text, node: declaration, reflection: null });
      queue.push(declaration);
    }
  }
  return [...found.values()];
}

/** A parent whose members its children show as their own needs no section. */
function isFlattened(declaration: ts.Declaration, name: ts.Identifier): boolean {
  return ts.isInterfaceDeclaration(declaration) && ts.findAncestor(name, ts.isHeritageClause) !== undefined;
}

function nameIndex(homes: ReadonlyMap<ts.Declaration, string>, page: string): NameIndex {
  const local = (href: string | undefined) =>
    href === undefined ? null : href.startsWith(`${page}#`) ? href.slice(page.length) : href;
  return {
    hrefOf: (node) => local(homes.get(node)),
    hrefOfName(name) {
      const found = [...homes].filter(([node]) => ts.getNameOfDeclaration(node)?.getText() === name);
      // Two packages may have types of one name; a comment means its own.
      return local((found.find(([, href]) => href.startsWith(`${page}#`)) ?? found[0])?.[1]);
    },
  };
}

function sharedList(elsewhere: readonly Documented[], homes: ReadonlyMap<ts.Declaration, string>): string {
  const items = elsewhere.map(({ name, node }) => {
    const [summary = ""] = readComment(node).paragraphs;
    return `- [${code(name)}](${homes.get(node)})${summary === "" ? "" : `: ${prose(summary)}`}`;
  });
  return paragraphs("These are exported here as well, and are the same types.", items.join("\n"));
}

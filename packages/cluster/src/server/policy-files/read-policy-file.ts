import { type NamespaceDocument, PolicyError, readDocument } from "@quorumguard/limiter";
import { type Document, isNode, isScalar, LineCounter, type Node, parseDocument, visit } from "yaml";
import { checkNamespace } from "../check-text.ts";
import { InvalidField } from "../invalid-field.ts";

/** What a file of policies says. */
export interface PolicyFile {
  /** Null: it does not say whose policies these are. */
  readonly namespace: string | null;
  /** Checked, and in its normal form. */
  readonly document: Partial<NamespaceDocument>;
}

/** A file of policies that cannot be applied: the message says where it stands in the file, what it is, and what to write. */
export class PolicyFileError extends Error {
  override readonly name = "PolicyFileError";
  /** For the command line: a mistake of whoever wrote the file. */
  readonly code = "invalid_argument";
}

/**
 * Reads policies from YAML or JSON. Aliases may repeat parts of a file, within reason; merging and tags are not known.
 *
 * @throws {PolicyFileError} with `name`, line and column in front.
 */
export function readPolicyFile(text: string, name: string): PolicyFile {
  const lines = new LineCounter();
  // JSON is YAML, but for tabs, which nobody has to know.
  const source = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2", stringKeys: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const [problem] = [...source.errors, ...source.warnings];
  if (problem?.code === "MULTIPLE_DOCS") {
    throw new PolicyFileError(
      `${at(problem.pos[0])}: the file holds more than one document; give each a file of its own`,
    );
  }
  if (problem !== undefined) throw new PolicyFileError(`${at(problem.pos[0])}: ${lowerFirst(problem.message)}`);
  visit(source, {
    Alias: (_, alias, around) => {
      // Resolving walks the whole file, so only what is suspected is resolved.
      if (!around.some((node) => isNode(node) && "anchor" in node && node.anchor === alias.source)) return;
      if (!around.includes(alias.resolve(source)!)) return;
      throw new PolicyFileError(`${at(startOf(alias))}: *${alias.source} repeats what it stands in; write it out`);
    },
  });
  const value = plainValue(source, name);
  try {
    return readFile(value);
  } catch (error) {
    if (!(error instanceof PolicyError) && !(error instanceof InvalidField)) throw error;
    throw new PolicyFileError(`${at(offsetOf(source, error.field))}: ${error.message}`);
  }
}

function plainValue(source: Document, name: string): unknown {
  try {
    return source.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new PolicyFileError(`${name}: ${(error as Error).message}`);
  }
}

function readFile(value: unknown): PolicyFile {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    const sections = "policies, overrides, tiers, tierKeys, lists and maxKeys";
    throw new PolicyError("invalid", "", `the file holds no object; give any of ${sections}`);
  }
  const { $schema, namespace, ...sections } = value as Record<string, unknown>;
  if ($schema !== undefined && typeof $schema !== "string") {
    throw new PolicyError("invalid", "$schema", "must be text: where the schema is");
  }
  if (namespace !== undefined) {
    if (typeof namespace !== "string") throw new PolicyError("invalid", "namespace", "must be text");
    checkNamespace(namespace);
  }
  const document = readDocument(sections, "");
  if (Object.keys(document).length === 0) {
    throw new PolicyError(
      "invalid",
      "",
      "the file sets nothing; give any of policies, overrides, tiers, tierKeys, lists and maxKeys",
    );
  }
  return { namespace: namespace ?? null, document };
}

/** Where `path`, such as `policies[2].ban.denials`, or the innermost part of it that is there, begins. */
function offsetOf(source: Document, path: string): number {
  const steps = [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, field, at]) => field ?? Number(at));
  let offset = startOf(source.contents);
  for (let depth = 1; depth <= steps.length; depth++) {
    const node = source.getIn(steps.slice(0, depth), true);
    if (!isNode(node)) break;
    offset = startOf(node);
  }
  return offset;
}

function startOf(node: Node | null): number {
  return isScalar(node) || node !== null ? (node.range?.[0] ?? 0) : 0;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

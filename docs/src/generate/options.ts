import { code, paragraphs, prose, table } from "./markdown.ts";
import type { Page } from "./page.ts";
import type { SourceDeclaration, SourceField } from "./source/declarations.ts";

/** One table of options, and what stands above it. */
export interface OptionGroup {
  readonly title: string;
  /** Markdown. */
  readonly introduction: string;
  readonly declaration: SourceDeclaration;
  /** What counts for an option that is left out here, if it has one of the same name. */
  readonly inherits?: { readonly whose: string; readonly declaration: SourceDeclaration };
  /** Flags of the command beside options of a node, by the option's name. */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
}

/** `reference/options`: every option with its type, meaning and default. */
export function optionsPage(groups: readonly OptionGroup[], hrefOfType: (name: string) => string | null): Page {
  return {
    path: "reference/options",
    title: "Options",
    description: "Every option of a guard, a call, a rule and a node, with unit, range and default.",
    order: 5,
    body: paragraphs(
      "Names end in their unit: `Ms` are milliseconds, `Us` microseconds, `Bytes` bytes. A value out of its range is refused before anything is sent or opened, with a message that names field, value and bound.",
      ...groups.map((group) => groupSection(group, hrefOfType)),
    ),
  };
}

function groupSection(group: OptionGroup, hrefOfType: (name: string) => string | null): string {
  const { title, introduction, declaration, flags } = group;
  const rows = declaration.fields.map((field) => {
    const { meaning, byDefault } = splitDefault(field, inherited(group, field));
    const flag = (flags?.[field.name] ?? []).map((name) => code(`--${name}`)).join(", ");
    // One column for name and type: a fifth would leave the meaning a few words per line.
    return [`${code(field.name)}<br>${linkedType(field.type, hrefOfType)}`, prose(meaning), prose(byDefault), flag];
  });
  return paragraphs(`## ${title}`, introduction, table(["Option and type", "Meaning", "Default", "Flag"], rows));
}

function inherited({ inherits }: OptionGroup, { name }: SourceField): string | null {
  const known = inherits?.declaration.fields.some((field) => field.name === name) ?? false;
  return known && inherits !== undefined ? inherits.whose : null;
}

/** A type as code, with a link to the first type in it that some page explains. */
function linkedType(type: string, hrefOfType: (name: string) => string | null): string {
  const words = type.match(/\b[A-Z]\w+\b/g) ?? [];
  const href = words.map(hrefOfType).find((found) => found !== null);
  return href === undefined ? code(type) : `[${code(type)}](${href})`;
}

/** What a doc comment says of the default, apart from the rest. */
export function splitDefault(
  field: SourceField,
  inheritedDefault: string | null = null,
): { readonly meaning: string; readonly byDefault: string } {
  const { comment } = field;
  const absent = field.optional ? (inheritedDefault ?? "none") : "required";
  // "Default 1,000: long enough for a failover." or "Default: `limit`."; a full stop inside an address ends nothing.
  const sentence = /(?:^|\s)[Dd]efault:? (?<value>.+?)(?:\.(?=\s|$)|$)/.exec(comment);
  if (sentence?.groups?.value !== undefined) {
    const before = comment.slice(0, sentence.index).replace(/[;,]$/, ".");
    const after = comment.slice(sentence.index + sentence[0].length);
    return { meaning: `${before}${after}`.trim(), byDefault: sentence.groups.value };
  }
  const marked = /(`[^`]+`)[^`]*\(default\)/.exec(comment);
  if (marked?.[1] !== undefined) return { meaning: comment.replace(" (default)", ""), byDefault: marked[1] };
  return { meaning: comment, byDefault: absent };
}

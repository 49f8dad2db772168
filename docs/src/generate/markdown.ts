/**
 * Text of the sources as Markdown. Comments are Markdown already, but they were written for an editor: what the site
 * would read as a tag, a dash or a link to nowhere is set as code here.
 */

/** A code span around any text, backticks included. */
export function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const padding = longest > 0 ? " " : "";
  return `${fence}${padding}${text}${padding}${fence}`;
}

/** Code spans, and the text between them. */
const codeSpan = /(`+)(?:(?!\1)[\s\S])+?\1/g;

/** What reads as code though nobody quoted it: flags, variables of the environment, addresses with a scheme, tags. */
const unquotedCode = /(?<![\w`-])--[a-z][a-z-]*|\$[A-Z][A-Z_]+|https?:\/\/[^\s,;)]*[^\s,;).]/g;

/** A comment's text as Markdown on one line. References to rules that only the sources know are left out. */
export function prose(text: string): string {
  const flat = withoutRuleNames(text)
    .replace(/\{@link\s+([^}|\s]+)(?:[|\s][^}]*)?\}/g, (_, name: string) => code(name))
    .replace(/\s+/g, " ")
    .trim();
  return outsideCode(flat, (plain) => plain.replace(/</g, "&lt;").replace(unquotedCode, (found) => code(found)));
}

/** Leaves out what only the sources' readers can look up, `(SEMANTICS D1)`; in the middle of a sentence it is rule D1. */
export function withoutRuleNames(text: string): string {
  return text.replace(/\s*\((?:see )?SEMANTICS [A-Z]\d?\)/g, "").replace(/SEMANTICS ([A-Z]\d?)/g, "rule $1");
}

/** Changes text, and leaves what stands in code spans as it is. */
export function outsideCode(text: string, change: (plain: string) => string): string {
  let result = "";
  let from = 0;
  for (const span of text.matchAll(codeSpan)) {
    result += change(text.slice(from, span.index)) + span[0];
    from = span.index + span[0].length;
  }
  return result + change(text.slice(from));
}

/** A table; cells are Markdown on one line. A column in which no row says anything is left out. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const kept = titles.map((_, at) => at).filter((at) => at === 0 || rows.some((row) => (row[at] ?? "") !== ""));
  const line = (cells: readonly string[]) =>
    `| ${kept.map((at) => (cells[at] ?? "").replaceAll("|", "\\|").replace(/\s*\n\s*/g, " ")).join(" | ")} |`;
  return [line(titles), `| ${kept.map(() => "---").join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** A fenced block. */
export function block(language: string, text: string): string {
  const fence = text.includes("```") ? "````" : "```";
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}

/** Paragraphs and blocks, an empty line between each two; empty ones are left out. */
export function paragraphs(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}

/** The anchor that the site gives a heading, as GitHub does. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** A whole number with separators: 65,536. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

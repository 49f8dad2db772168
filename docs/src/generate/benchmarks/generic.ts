import { code, paragraphs, table } from "../markdown.ts";
import { fieldWords, readable, spread } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";

/** Objects nested deeper are shown as JSON. */
const maxDepth = 4;

/** Any facts as lists and tables: what a scenario without a page of its own gets. Long columns are only counted. */
export function factsMarkdown(facts: Facts, depth = 0): string {
  const plain: string[] = [];
  const nested: string[] = [];
  for (const [name, value] of Object.entries(facts)) {
    const title = fieldWords(name);
    if (isFacts(value) && depth < maxDepth) nested.push(`**${capital(title)}**`, factsMarkdown(value, depth + 1));
    else if (isRows(value)) nested.push(`**${capital(title)}**`, rowsTable(value));
    else plain.push(`- ${capital(title)}: ${valueText(value)}`);
  }
  return paragraphs(plain.join("\n"), ...nested);
}

/** Samples of several systems: a row for each, with median, least and most of these numbers, or of all that they have. */
export function samplesTable(
  samples: Readonly<Record<string, readonly Facts[]>>,
  shown: readonly string[] | null = null,
): string {
  const present = new Set(Object.values(samples).flatMap((rows) => rows.flatMap((row) => Object.keys(row))));
  const names = [...present].filter((name) => shown?.includes(name) ?? true);
  const numbers = names.filter((name) =>
    Object.values(samples).every((rows) => rows.every((row) => typeof row[name] === "number")),
  );
  return table(
    ["System", "Samples", ...numbers.map((name) => capital(fieldWords(name)))],
    Object.entries(samples).map(([system, rows]) => [
      system,
      String(rows.length),
      ...numbers.map((name) => spread(rows.map((row) => Number(row[name])))),
    ]),
  );
}

/** Rows of equal shape as a table. */
export function rowsTable(rows: readonly Facts[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return table(
    names.map((name) => capital(fieldWords(name))),
    rows.map((row) => names.map((name) => (row[name] === undefined ? "" : valueText(row[name])))),
  );
}

function isRows(value: unknown): value is readonly Facts[] {
  return Array.isArray(value) && value.length > 0 && value.every(isFacts);
}

function valueText(value: unknown): string {
  if (typeof value === "number") return readable(value);
  if (typeof value === "string") return plainText(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (!Array.isArray(value)) return code(JSON.stringify(value) ?? "none");
  if (value.length > 16) return `${value.length} values`;
  return value.map(valueText).join(", ");
}

function plainText(text: string): string {
  return text
    .replace(/[&<>]/g, (found) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[found] ?? found)
    .replace(/\s+/g, " ");
}

/** With a capital letter, as headings and cells begin; percentiles are written small. */
export function capital(text: string): string {
  if (/^p\d/.test(text)) return text;
  return `${(text[0] ?? "").toUpperCase()}${text.slice(1)}`;
}

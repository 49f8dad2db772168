/** A table in Markdown: its titles, and a row of texts for each line. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (texts: readonly string[]) => `| ${texts.join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A name as code in a cell. */
export const code = (name: string): string => `\`${name}\``;

/** A number in a cell, without what is behind its point. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en");

import { markdownTable } from "../markdown-table.ts";
import { countOf, type PointShares, roleTitle, shortUs, totalOf } from "./point-shares.ts";

/** A row for each part of processor time, those first that all processes together spend most on. */
export function sharesTable({ us }: PointShares): string {
  const roles = Object.keys(us);
  const names = [...new Set(roles.flatMap((role) => Object.keys(us[role]!)))];
  const all = (name: string) => roles.reduce((sum, role) => sum + countOf(role) * (us[role]![name] ?? 0), 0);
  const cell = (parts: Readonly<Record<string, number>>, name: string) => {
    const part = parts[name] ?? 0;
    return part === 0 ? "–" : `${shortUs(part)} (${Math.round((100 * part) / totalOf(parts))} %)`;
  };
  const rows = names
    .filter((name) => all(name) > 0)
    .toSorted((one, other) => all(other) - all(one))
    .map((name) => [name, ...roles.map((role) => cell(us[role]!, name))]);
  const totals = ["all", ...roles.map((role) => shortUs(totalOf(us[role]!)))];
  return markdownTable(["Microseconds of processor", ...roles.map(roleTitle)], [...rows, totals]);
}

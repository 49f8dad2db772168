/** Words of PromQL that stand where a metric's name may stand. */
const operators = new Set(["and", "or", "unless", "bool", "offset", "on", "ignoring", "group_left", "group_right"]);

/** The metrics that a PromQL expression asks for, as far as our rules and panels use the language. */
export function metricsNamedIn(expr: string): readonly string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, "")
    .replaceAll(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, "");
  const names = [...bare.matchAll(/(?<![\w:.])([a-z_][\w:]*)(?!\w)(?!\s*\()/gi)].map(([, name]) => name!);
  return [...new Set(names)].filter((name) => !operators.has(name));
}

/** Characters of a text that a message, or what is logged of an error, shows. */
const SHOWN_CHARACTERS = 40;

/** A value as an error message shows it: short, whatever it is. */
export function describe(value: unknown): string {
  if (typeof value === "string") return `"${shortened(value)}"`;
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  if (typeof value === "function") return "a function";
  return typeof value === "bigint" ? `${value}n` : String(value);
}

/** A value as an error carries it: what is not short, or what JSON cannot write, by its description. */
export function carried(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return shortened(value);
    case "number":
    case "boolean":
    case "undefined":
      return value;
    default:
      return value === null ? null : describe(value);
  }
}

function shortened(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

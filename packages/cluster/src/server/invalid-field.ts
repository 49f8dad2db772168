/** A field that is out of bounds. The message names field, value and bound, and is meant for the caller. */
export class InvalidField extends Error {
  override readonly name = "InvalidField";
  /** The field's name, such as `grpc.host`. */
  readonly field: string;

  constructor(field: string, value: unknown, bound: string) {
    super(`${field} is ${printable(value)}: ${bound}`);
    this.field = field;
  }
}

/** A fact about a value that is shown as it is, without quotes, in place of the value itself. */
export function shown(fact: string): { toString(): string } {
  return { toString: () => fact };
}

/** Callers see what they sent, but a stranger's megabyte never comes back or reaches a log. */
function printable(value: unknown): string {
  if (typeof value === "string") {
    const shown = value.length > 64 ? `${value.slice(0, 64)}…` : value;
    return JSON.stringify(shown);
  }
  return String(value);
}

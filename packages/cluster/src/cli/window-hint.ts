/** What to write instead of a window that is none, after its name and value: of a bare number both units, as the SDK says it. */
export function windowHint(window: string): string {
  if (/^\d{1,15}$/.test(window)) return `write ${window}s for seconds or ${window}ms for milliseconds`;
  return "write a number with its unit, such as 500ms, 10s, 5m, 1h, 1d";
}

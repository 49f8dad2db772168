/** A result of `npm run bench`, as its file has it. Scenarios differ in everything but the first fields. */
export interface ResultFile {
  readonly scenario: string;
  /** Measured with `--quick`: fewer and shorter samples. */
  readonly quick: boolean;
  readonly data: Readonly<Record<string, unknown>>;
  /** The scenario's picture as a file of its own, if there is one beside the result. */
  readonly picture: string | null;
}

/** A JSON object. */
export type Facts = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isFacts(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The results to show: one per scenario, the thorough run where there is one, by name.
 * @throws {Error} naming the file, if it is not what `npm run bench` writes.
 */
export function chooseResults(
  files: readonly { readonly name: string; readonly text: string }[],
  pictures: ReadonlyMap<string, string>,
): readonly ResultFile[] {
  const chosen = new Map<string, ResultFile>();
  for (const { name, text } of files) {
    const result = readResult(name, text, pictures);
    const other = chosen.get(result.scenario);
    if (other === undefined || (other.quick && !result.quick)) chosen.set(result.scenario, result);
  }
  return [...chosen.values()].sort((one, other) => (one.scenario < other.scenario ? -1 : 1));
}

function readResult(name: string, text: string, pictures: ReadonlyMap<string, string>): ResultFile {
  const data: unknown = JSON.parse(text);
  if (!isFacts(data) || typeof data.scenario !== "string" || !/^[a-z][a-z0-9-]*$/.test(data.scenario)) {
    throw new Error(`bench/results/${name}: it must be an object whose "scenario" is a name in kebab-case`);
  }
  return {
    scenario: data.scenario,
    quick: name.endsWith(".quick.json"),
    data,
    picture: pictures.get(name.replace(/\.json$/, ".svg")) ?? null,
  };
}

/** How thoroughly to measure, and where progress is told. */
export interface ScenarioOptions {
  /** Fewer and shorter samples: enough to see that it runs, not to publish. */
  readonly quick: boolean;
  readonly say: (text: string) => void;
  /** The program of another Node.js to measure with, where a scenario does; null or left out: what it finds. */
  readonly otherNode?: string | null;
}

/** What a scenario measured. */
export interface ScenarioResult {
  /** One line for people. */
  readonly line: string;
  /** What `--json` prints; the first fields of the result file. */
  readonly summary: Readonly<Record<string, unknown>>;
  /** What the result file has beyond the summary, such as samples. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The measurement as a table in Markdown, for a file beside the result. */
  readonly table?: string;
  /** The measurement as SVG, for a file beside the result. */
  readonly picture?: string;
}

/** One measurement. Rejects when it is void, such as with failed calls where none may fail. */
export type Scenario = (options: ScenarioOptions) => Promise<ScenarioResult>;

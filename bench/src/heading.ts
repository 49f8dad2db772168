import { commitWords, type MeasuredCommit } from "./commit.ts";

/** The machine that a result was measured on. */
export interface Machine {
  readonly cpu: string | undefined;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly linux: string;
  readonly node: string;
  /** Where all systems have their data; null: the kernel does not say. */
  readonly fileSystem: string | null;
}

/** What stands above a table that is a file of its own: its scenario, on what sources and on what machine. */
export function headingOf(name: string, quick: boolean, source: MeasuredCommit, machine: Machine): string {
  const { cpu, cores, memoryGiB, linux, node, fileSystem } = machine;
  const run = quick ? "A quick run, with fewer and shorter samples than a thorough one. " : "";
  return [
    `# ${name}`,
    `${run}Commit: ${commitWords(source)}. Machine: ${cores} cores of ${cpu ?? "an unknown processor"}, ${memoryGiB} GiB, Linux ${linux}, Node ${node}, data on ${fileSystem ?? "an unknown file system"}.`,
  ].join("\n\n");
}

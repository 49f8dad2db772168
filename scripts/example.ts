/**
 * `npm run example`: lists the examples; `npm run example -- NAME [FLAGS]` runs one. The example takes this process's
 * place, so that signals, streams and the exit status are its own.
 */
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inRepository } from "./repository.ts";

interface Example {
  readonly name: string;
  readonly description: string;
  /** What runs it, absolute. */
  readonly main: string;
}

/** The folders of examples/ that can be run, by name. */
function findExamples(): readonly Example[] {
  const folder = inRepository("examples");
  const examples: Example[] = [];
  for (const name of fs.readdirSync(folder).sort()) {
    const [manifest, main] = [path.join(folder, name, "package.json"), path.join(folder, name, "main.ts")];
    if (!fs.existsSync(manifest) || !fs.existsSync(main)) continue;
    const { description = "" } = JSON.parse(fs.readFileSync(manifest, "utf8")) as { description?: string };
    examples.push({ name, description, main });
  }
  return examples;
}

function list(examples: readonly Example[]): string {
  const width = Math.max(0, ...examples.map(({ name }) => name.length));
  return [
    "npm run example -- NAME [FLAGS]",
    "",
    ...examples.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`),
    "",
    "Each brings a cluster of its own on loopback and ends by itself, unless its flags say otherwise; see examples/NAME.",
    "",
  ].join("\n");
}

async function main([name, ...flags]: readonly string[]): Promise<void> {
  const examples = findExamples();
  if (name === undefined || name === "--help" || name === "-h") {
    process.stdout.write(list(examples));
    return;
  }
  const example = examples.find((one) => one.name === name);
  if (example === undefined) {
    const names = examples.map((one) => one.name).join(", ");
    process.stderr.write(`example: there is no ${JSON.stringify(name)}; there are ${names}\n`);
    process.exitCode = 2;
    return;
  }
  process.argv.splice(1, process.argv.length, example.main, ...flags);
  try {
    await import(pathToFileURL(example.main).href);
  } catch (error) {
    const wrongUsage = String((error as { code?: unknown } | null)?.code).startsWith("ERR_PARSE_ARGS");
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = wrongUsage ? 2 : 1;
  }
}

await main(process.argv.slice(2));

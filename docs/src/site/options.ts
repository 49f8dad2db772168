/** What a command line asked for. */
export interface DocsOptions {
  readonly help: boolean;
  /** Where to serve the built site; 0: any free port; null: not at all. */
  readonly servePort: number | null;
  /** Where to write pictures of the pages; null: take none. */
  readonly screenshots: string | null;
}

/** A command line that says nothing that can be done. Its message says what to write instead. */
export class WrongUsage extends Error {}

/** The answer to `--help`. */
export const helpText = `npm run docs -- [FLAGS]

Writes the generated pages, compiles the snippets, builds the site into docs/dist and checks every link.

  --serve [PORT]         then serve it on 127.0.0.1 until Ctrl-C (default port 4321; 0: any free one)
  --screenshots FOLDER   then write pictures of its pages, wide and narrow, light and dark (needs chromium)
  --help, -h             this text

Exit status: 0 built and nothing broken; 1 something is broken, standard error says what; 2 wrong usage.`;

const defaultPort = 4321;
const see = "see npm run docs -- --help";

/** Reads a command line. @throws {WrongUsage} On anything that is no flag, and on a flag without its value. */
export function readOptions(args: readonly string[]): DocsOptions {
  let options: DocsOptions = { help: false, servePort: null, screenshots: null };
  const words = args.flatMap((word) => (/^--[^=]+=/.test(word) ? splitOnce(word) : [word]));
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--help" || word === "-h") options = { ...options, help: true };
    else if (word === "--serve") {
      const value = isFlag(words[0]) ? String(defaultPort) : words.shift()!;
      options = { ...options, servePort: readPort(value) };
    } else if (word === "--screenshots") {
      const value = isFlag(words[0]) ? "" : words.shift()!;
      if (value === "") throw new WrongUsage(`--screenshots has no value: write --screenshots FOLDER; ${see}`);
      options = { ...options, screenshots: value };
    } else {
      throw new WrongUsage(`${word} is not a flag: write --serve [PORT], --screenshots FOLDER or nothing; ${see}`);
    }
  }
  return options;
}

function splitOnce(word: string): string[] {
  const at = word.indexOf("=");
  return [word.slice(0, at), word.slice(at + 1)];
}

function isFlag(word: string | undefined): boolean {
  return word === undefined || word.startsWith("-");
}

function readPort(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new WrongUsage(
    `--serve is ${JSON.stringify(value)}: it must be a port, a whole number from 0 to 65535; ${see}`,
  );
}

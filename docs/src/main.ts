/**
 * What `npm run docs` runs: writes the generated pages, compiles the snippets, builds the site and checks its links.
 * Progress goes to stderr, the summary to stdout. The exit status is 0 only if nothing is broken, and 2 on wrong usage.
 */
import { once } from "node:events";
import { buildSite } from "./site/build-site.ts";
import { distFolder } from "./site/folders.ts";
import { helpText, readOptions, WrongUsage } from "./site/options.ts";
import { serveFolder } from "./site/serve-folder.ts";
import { takeScreenshots } from "./site/take-screenshots.ts";

const say = (text: string) => process.stderr.write(`docs: ${text}\n`);

/** Serves the built site until Ctrl-C. */
async function serve(port: number): Promise<void> {
  const server = await serveFolder(distFolder, port);
  console.log(`docs: ${server.url}/ until Ctrl-C`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await server.close();
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options.help) return void console.log(helpText);
  console.log(`docs: ${await buildSite(say)}`);
  if (options.screenshots !== null) {
    const files = await takeScreenshots(options.screenshots, say);
    console.log(`docs: ${files.length} screenshots in ${options.screenshots}`);
  }
  if (options.servePort !== null) await serve(options.servePort);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof WrongUsage ? 2 : 1;
});

/** `npm run docs -- [--serve [PORT]]`: builds the documentation site, checks it on the way, and shows it if asked. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { BuildError, buildSite, siteFolder } from "./site/build-site.ts";
import { serveSite } from "./site/serve-site.ts";

const usage = `npm run docs -- [--serve] [--port N]
  --serve  show the built site on 127.0.0.1 until Ctrl-C
  --port   where to serve it (4321)
Builds docs/dist. A broken link, a snippet that does not compile or a picture that is not there fails the build.`;

const say = (text: string) => process.stderr.write(`docs: ${text}\n`);

function readFlags(): { readonly help: boolean; readonly serve: boolean; readonly port: number } | null {
  try {
    const { values } = parseArgs({
      options: {
        serve: { type: "boolean", default: false },
        port: { type: "string", default: "4321" },
        help: { type: "boolean", default: false },
      },
    });
    const port = Number(values.port);
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) return { ...values, port };
    say(`--port is ${JSON.stringify(values.port)}: it must be a whole number from 0 to 65535`);
  } catch (error) {
    say(`${(error as Error).message.split(". ")[0]}`);
  }
  return null;
}

async function main(): Promise<number> {
  const flags = readFlags();
  if (flags === null || flags.help) {
    process.stderr.write(`${usage}\n`);
    return flags === null ? 2 : 0;
  }
  const startedAt = performance.now();
  await buildSite(say);
  const pages = readdirSync(siteFolder, { recursive: true }).filter((name) => String(name).endsWith(".html")).length;
  say(`${pages} pages in docs/dist, ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  if (!flags.serve) return 0;
  const site = await serveSite(siteFolder, flags.port);
  say(`${site.url}/ until Ctrl-C`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await site.close();
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof BuildError ? error.message : String((error as Error).stack));
  process.exitCode = 1;
}

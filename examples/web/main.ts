/** Builds the site, starts everything that it needs, and keeps it running until Ctrl-C. */
import { once } from "node:events";
import { createServer } from "node:net";
import { parseArgs, styleText } from "node:util";
import { freePorts, requireProgram, takeEndSignals } from "@quorumguard/testbed";
import { buildSite } from "./build-site.ts";
import { startScene } from "./server/scene.ts";

const usage = `npm run example -- web [--port PORT] [--json]
  --port   where the page is, on this machine alone, 1 to 65535; 0: any free port (default: 8443)
  --json   once it runs, one line of JSON on standard output: {"url": …}
Ctrl-C ends it.`;

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "8443" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Standard output belongs to the JSON if there is any. */
const out = flags.json ? process.stderr : process.stdout;
const say = (text: string) => void out.write(`${text}\n`);

/** @throws {Error} When it is no port, or somebody listens there. */
async function choosePort(text: string): Promise<number> {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`--port is ${text}, but must be 0 to 65535`);
  if (port === 0) return (await freePorts(1))[0]!;
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "EADDRINUSE" ? "is in use, perhaps by this example" : `cannot be had (${error.code})`;
    throw new Error(`port ${port} ${reason}; write --port with another one, or --port 0 for any free one`);
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Once everything runs, the first Ctrl-C ends it in order; before and after that, leaving at once ends the children. */
const signals = takeEndSignals();

async function main(): Promise<void> {
  if (flags.help) {
    say(usage);
    return;
  }
  requireProgram("nginx");
  const port = await choosePort(flags.port);
  say("  Building the site …");
  const folder = await buildSite();
  const scene = await startScene({ folder, port, say });
  const ended = signals.first();
  say(`\n  ${styleText("bold", scene.url, { stream: out })}\n`);
  say("  The browser will warn: nobody but this run knows its certificate. Ctrl-C ends everything.");
  if (flags.json) process.stdout.write(`${JSON.stringify({ url: scene.url })}\n`);
  await ended;
  say("\n  Ending …");
  await scene.stop();
}

await main();

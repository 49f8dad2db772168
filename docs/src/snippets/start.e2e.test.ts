import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts, skipReason } from "@quorumguard/testbed";
import { afterAll, afterEach, expect, it } from "vitest";
import { readPageSteps } from "./testing/page-steps.ts";
import { describeDifference } from "./testing/same-output.ts";
import { Terminal } from "./testing/terminal.ts";

const snippets = path.dirname(fileURLToPath(import.meta.url));
const clone = path.resolve(snippets, "../../..");
const readPage = (name: string) => fs.readFileSync(path.join(snippets, "../content/docs/start", name), "utf8");

/** The pages ask by curl too. */
const withoutCurl = skipReason("curl") !== null && process.env.CI !== "true";

/** Commands that go on until Ctrl-C. */
const goesOn = /^(npx quorumguard (dev|node)|node server\.mjs)/m;

// What a reader has: the folder beside the clone. The clone is reached by a link of the name that the page uses.
const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-start-")));
fs.symlinkSync(clone, path.join(home, "quorumguard"));
const service = path.join(home, "my-service");
const terminals = new Map<number, Terminal>();
/** What terminals printed that were opened for a page that is done. */
let clusterTold = "";

afterEach(() => {
  for (const terminal of terminals.values()) terminal.kill();
  terminals.clear();
});

afterAll(() => {
  fs.rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

/** A reader's environment: their own Node and npm rather than the workspace's, and nothing of an `npm run` around us. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(?!config_(registry|userconfig|cache|cafile)$)|INIT_CWD$|NODE_|VITEST|QUORUMGUARD_)/i.test(name),
  );
  const searched = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => !folder.includes("node_modules"));
  // Quicker, and the same files.
  const npm = { npm_config_audit: "false", npm_config_fund: "false", npm_config_prefer_offline: "true" };
  return { ...Object.fromEntries(kept), ...npm, PATH: searched.join(path.delimiter) };
}

function terminal(number: number, from: (terminal: number) => string): Terminal {
  const known = terminals.get(number);
  if (known !== undefined) return known;
  const opened = new Terminal(from(number), environment());
  terminals.set(number, opened);
  return opened;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A first port for `dev` with all nine free. */
async function firstPortOfThree(): Promise<number> {
  for (;;) {
    const [port = 0] = await freePorts(1);
    const nine = [0, 10, 20].flatMap((node) => [port + node, port + node + 1, port + node + 2]);
    if (nine.every((each) => each < 65_536) && (await Promise.all(nine.map(isFree))).every(Boolean)) return port;
  }
}

/** The one thing that the test does otherwise than the page: ports that are free here, wherever the page names its own. */
async function portsOfOurOwn(): Promise<(text: string) => string> {
  const first = await firstPortOfThree();
  const [web = 0] = await freePorts(1);
  return (text) =>
    text
      .replaceAll(/\b74([012])([012])\b/g, (_, node, listener) => String(first + 10 * Number(node) + Number(listener)))
      .replaceAll(/\b3000\b/g, String(web))
      .replaceAll("npx quorumguard dev", `npx quorumguard dev --port ${first}`);
}

/** Paths as the page writes them. */
function asOnPage(printed: string): string {
  return printed.replaceAll(home, "/home/you").replaceAll(clone, "/home/you/quorumguard");
}

/** The leader's process by what the page shows, and by what was printed: a reader puts theirs into the command. */
function leadersProcess(processes: string, status: string): string {
  const leader = /^(\d) +leader /m.exec(status)?.[1];
  const found = new RegExp(`^ +${leader} +(\\d+) +leads `, "m").exec(processes)?.[1];
  expect(found, `the process of the leader, node ${leader}`).toBeDefined();
  return found!;
}

function expectSame(shown: string, printed: string, command: string, errors: string): void {
  expect(describeDifference(shown, asOnPage(printed)), `${command}\n${errors}`).toBeNull();
}

/** Does what a page says, and compares what is printed. `from`: the folder that a terminal opens in. */
async function follow(page: string, from: (terminal: number) => string): Promise<void> {
  const ours = await portsOfOurOwn();
  const shownText = new Map<string, string>();
  let status = "";
  for (const step of readPageSteps(readPage(page))) {
    if (step.kind === "save") {
      const text = fs.readFileSync(path.join(snippets, step.snippet), "utf8");
      fs.writeFileSync(path.join(service, step.name), ours(text));
      continue;
    }
    const typedInto = terminal(step.terminal, from);
    if (step.kind === "interrupt") {
      terminals.delete(step.terminal);
      const told = await typedInto.interrupt();
      clusterTold += typedInto.output;
      expectSame(step.prints, told, "Ctrl-C", typedInto.errors);
      continue;
    }
    const killed = /^kill -9 (\d+)/.exec(step.command)?.[1];
    if (killed !== undefined) {
      const [shownProcesses, shownStatus] = [shownText.get("npx quorumguard dev")!, shownText.get("status")!];
      expect(killed, "the page kills its own leader").toBe(leadersProcess(shownProcesses, shownStatus));
    }
    const process = killed === undefined ? "" : leadersProcess(terminal(1, from).output, status);
    const command = ours(killed === undefined ? step.command : step.command.replace(killed, process));
    shownText.set(step.command, step.prints ?? "");
    if (goesOn.test(command)) {
      const before = typedInto.output.length;
      typedInto.type(command);
      const printed = () => asOnPage(typedInto.output.slice(before));
      await typedInto.until(() => describeDifference(ours(step.prints ?? ""), printed()) === null, 30_000, command);
      continue;
    }
    const printed = await typedInto.run(command, 120_000);
    if (command.endsWith("quorumguard status")) {
      status = printed;
      if (!shownText.has("status")) shownText.set("status", step.prints ?? "");
    }
    expectSame(ours(step.prints ?? ""), printed, command, typedInto.errors);
  }
}

it.skipIf(withoutCurl)("the Start page does what it says, word for word", { timeout: 180_000 }, async () => {
  // The page's first terminal is in the clone, the others beside it.
  await follow("index.mdx", (number) => (number === 1 ? path.join(home, "quorumguard") : home));
  // Said between the blocks: what the first terminal has told of the death.
  expect(clusterTold).toMatch(/^node \d: ended \(SIGKILL\); 2 of 3 run$/m);
  expect(clusterTold).toMatch(/^node \d leads \(term \d+\): process \d+$/m);
});

it.skipIf(withoutCurl)(
  "so does the page about a cluster of one's own, in the same folder",
  { timeout: 120_000 },
  async () => {
    await follow("own-cluster.mdx", () => service);
  },
);

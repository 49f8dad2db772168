import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { freePortRun, freePorts, skipReason } from "@quorumguard/testbed";
import { afterAll, afterEach, describe, expect, it } from "vitest";
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
/** What `dev` keeps its data in, so that it is gone at the end of a failed test too. */
const temporary = path.join(home, "tmp");
fs.mkdirSync(temporary);
const terminals = new Map<number, Terminal>();
/** Terminals of which Ctrl-C has ended the shell too; a reader's goes on where it was. */
const interrupted = new Set<number>();
/** What terminals printed that were opened for a page that is done. */
let clusterTold = "";

afterEach(() => {
  for (const terminal of terminals.values()) terminal.kill();
  terminals.clear();
  interrupted.clear();
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
  return { ...Object.fromEntries(kept), ...npm, PATH: searched.join(path.delimiter), TMPDIR: temporary };
}

function terminal(number: number, from: (terminal: number) => string): Terminal {
  const known = terminals.get(number);
  if (known !== undefined) return known;
  const opened = new Terminal(interrupted.has(number) ? service : from(number), environment());
  terminals.set(number, opened);
  return opened;
}

/** The one thing that the test does otherwise than the page: ports that are free here, wherever the page names its own. */
async function portsOfOurOwn(): Promise<(text: string) => string> {
  // `dev` takes its ports in tens: those of its nodes, and of one more.
  const first = await freePortRun(40);
  const [web = 0] = await freePorts(1);
  return (text) =>
    text
      .replaceAll(/\b74([0123])([012])\b/g, (_, node, listener) => String(first + 10 * Number(node) + Number(listener)))
      .replaceAll(/\b3000\b/g, String(web))
      .replaceAll("npx quorumguard dev", `npx quorumguard dev --port ${first}`);
}

/** The words of the page by which its reader knows whom to kill. */
const whomToKill = /Here it is node (\d), and .*\n?.* process (\d+)\./;

/** Paths as the page writes them. */
function asOnPage(printed: string): string {
  return printed.replaceAll(home, "/home/you").replaceAll(clone, "/home/you/quorumguard");
}

/** The leader's process by what the page shows, and by what was printed: a reader puts theirs into the command. */
function leadersProcess(processes: string, status: string): string {
  const leader = /^(\d) +leader /m.exec(status)?.[1];
  // Whoever led when the table was printed: a busy machine may have changed that.
  const found = new RegExp(`^ +${leader} +(\\d+) +(?:leads|follows) `, "m").exec(processes)?.[1];
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
      interrupted.add(step.terminal);
      const told = await typedInto.interrupt();
      clusterTold += typedInto.output;
      expectSame(step.prints, told, "Ctrl-C", typedInto.errors);
      continue;
    }
    const names = step.command === "leader=PROCESS";
    if (names) {
      const [shownProcesses, shownStatus] = [shownText.get("npx quorumguard dev")!, shownText.get("status")!];
      const told = whomToKill.exec(readPage(page))?.[2];
      expect(told, "the page's own leader").toBe(leadersProcess(shownProcesses, shownStatus));
    }
    const command = names ? `leader=${leadersProcess(terminal(1, from).output, status)}` : ours(step.command);
    shownText.set(step.command, step.prints ?? "");
    if (goesOn.test(command)) {
      const before = typedInto.output.length;
      typedInto.type(command);
      const difference = () => describeDifference(ours(step.prints ?? ""), asOnPage(typedInto.output.slice(before)));
      await typedInto.until(
        () => difference() === null,
        60_000,
        () => `${command}\n${difference()}`,
      );
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

it.skipIf(withoutCurl)("the Start page does what it says, word for word", { timeout: 240_000 }, async () => {
  // The page's first terminal is in the clone, the others beside it.
  await follow("index.mdx", (number) => (number === 1 ? path.join(home, "quorumguard") : home));
  // Said between the blocks: what the first terminal has told of the death.
  expect(clusterTold).toMatch(/^node \d: ended \(SIGKILL\); 2 of 3 run$/m);
  expect(clusterTold).toMatch(/^node \d leads \(term \d+\): process \d+$/m);
});

describe("in the same folder", () => {
  it.skipIf(withoutCurl)("so does the page about fetch and plain HTTP", { timeout: 120_000 }, async () => {
    await follow("edge-and-http.mdx", () => home);
  });

  it.skipIf(withoutCurl)("so does the page about a cluster of one's own", { timeout: 120_000 }, async () => {
    await follow("own-cluster.mdx", () => home);
  });
});

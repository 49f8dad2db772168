import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type axe from "axe-core";
import type { BrowserCase } from "./browser-case.ts";

const main = fileURLToPath(new URL("../../../../examples/web/main.ts", import.meta.url));
const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Widths in CSS pixels at which the example is looked at: a desktop's, and a small phone's. */
const widths = [1_280, 360] as const;

/** `examples/web` as its users start it. */
export const exampleCases: readonly BrowserCase[] = widths.map((width) => ({
  name: `axe finds nothing serious in examples/web at ${width} px, before and after the button is limited`,
  async run({ openAt }) {
    const example = await startExample();
    try {
      const page = await openAt(example.url);
      await page.setViewport({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px wider than its window`);
      await page.evaluate(await readFile(axeFile, "utf8"));
      const serious = () =>
        page.evaluate(async () => {
          const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
          return violations
            .filter(({ impact }) => impact === "serious" || impact === "critical")
            .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
        });
      assert.deepEqual(await serious(), []);
      // A press does nothing while one is on its way. Five in ten seconds are allowed, however slowly they are made.
      const isDenied = () => page.evaluate(() => document.querySelector(".press [aria-disabled=true]") !== null);
      for (let press = 0; press < 100 && !(await isDenied()); press++) {
        await page.waitForSelector(".press [aria-busy=false]");
        await page.click(".press button");
      }
      await page.waitForSelector(".press [aria-disabled=true]");
      assert.deepEqual(await serious(), []);
    } finally {
      await example.stop();
    }
  },
}));

async function startExample(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const flags = ["--conditions=quorumguard-source", main, "--port", "0", "--json"];
  const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  const url = new Promise<string>((resolve) => {
    let line = "";
    child.stdout.on("data", (text) => {
      line += text;
      if (line.includes("\n")) resolve(JSON.parse(line).url);
    });
  });
  const ended = once(child, "exit").then(() => {
    throw new Error(`examples/web ended by itself: ${said}`);
  });
  ended.catch(() => {});
  return { url: await Promise.race([url, ended]), stop };
}

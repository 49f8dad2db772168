import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { startLocalCluster } from "@quorumguard/testbed";
import { describe, expect, it } from "vitest";
import { findFenceProblems } from "../docs/src/site/check-fences.ts";
import { shellProblems } from "../docs/src/site/check-shell.ts";
import { readFenceFacts } from "../docs/src/site/fence-facts.ts";
import { inRepository } from "./repository.ts";

function read(file: string): string {
  return fs.readFileSync(inRepository(file), "utf8");
}

/** What is read where the repository is, and not on the site, which checks its own links. */
const pages = fs
  .globSync(
    ["*.md", "{bench,deploy,docs,docs/internals}/README.md", "{packages,examples}/*/README.md", "docs/decisions/*.md"],
    {
      cwd: inRepository(),
    },
  )
  .sort();
const facts = readFenceFacts();
const packages = fs.globSync("{packages,examples}/*/package.json", { cwd: inRepository() });

it.each(packages.map((file) => path.dirname(file)))("%s has a README of about one screen", (folder) => {
  const lines = read(`${folder}/README.md`).split("\n").length;
  expect(lines, `${folder}/README.md`).toBeGreaterThan(5);
  expect(lines, `${folder}/README.md`).toBeLessThanOrEqual(110);
});

describe.each(pages)("%s", (page) => {
  it("links to files and headings that exist", () => {
    for (const [, target = ""] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", heading] = target.split("#");
      const linked = file === "" ? page : path.posix.join(path.posix.dirname(page), file);
      expect(fs.existsSync(inRepository(linked)), `${target} in ${page}`).toBe(true);
      if (heading === undefined) continue;
      const headings = [...read(linked).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
        title
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, "")
          .replaceAll(" ", "-"),
      );
      expect(headings, `${target} in ${page}`).toContain(heading);
    }
  });

  it("has fenced blocks that are right: readable, with commands, flags, names and files that exist", () => {
    // Code that is TypeScript is compiled by readme-code.e2e.test.ts.
    expect(findFenceProblems({ name: page, text: read(page) }, facts, { compiledInPlace: true })).toEqual([]);
  });

  it("names commands that exist in its sentences", () => {
    const spans = [...read(page).matchAll(/`((?:npm (?:run|test|start)|docker compose|npx quorumguard)\b[^`\n…]*)`/g)];
    const problems = spans.flatMap(([, span = ""]) => shellProblems(span, facts, path.posix.dirname(page)));
    expect(problems).toEqual([]);
  });
});

it("AGENTS.md has at most 120 lines", () => {
  expect(read("AGENTS.md").split("\n").length).toBeLessThanOrEqual(121);
});

describe("the README's example", () => {
  const example = /<!-- example: (\S+) -->\n```ts\n([\s\S]*?)```/.exec(read("README.md"));

  it("is the file that it names, and short", () => {
    expect(example).not.toBeNull();
    const [, file = "", text = ""] = example!;
    expect(text).toBe(read(file));
    expect(text.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(10);
  });

  it("limits on a real cluster, and ends by itself", { timeout: 120_000 }, async () => {
    const cluster = await startLocalCluster();
    try {
      // As a user's process: the built packages, and no time limit but this test's.
      const child = spawn(process.execPath, [inRepository(example![1]!)], {
        env: { ...process.env, QUORUMGUARD_ENDPOINTS: cluster.endpoints.join(",") },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const chunks: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      const [code] = await once(child, "close");
      const lines = Buffer.concat(chunks).toString("utf8").trimEnd().split("\n");
      expect(lines.slice(0, 3)).toEqual([1, 2, 3].map((call) => `call ${call}: go ahead, ${3 - call} left`));
      expect(lines.slice(3)).toEqual([expect.stringMatching(/^call 4: limited, try again in \d+ ms$/)]);
      expect(code).toBe(0);
    } finally {
      await cluster.stop();
    }
  });
});

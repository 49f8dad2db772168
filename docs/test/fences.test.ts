import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { findFenceProblems } from "../src/site/check-fences.ts";
import { commandsOf } from "../src/site/check-shell.ts";
import { readFenceFacts } from "../src/site/fence-facts.ts";
import { docsFolder } from "../src/site/folders.ts";
import { fencesOf, readPages, snippetsOf } from "../src/site/page-sources.ts";
import { readSnippet } from "../src/site/read-snippet.ts";

const facts = readFenceFacts();
const generated = /^(reference|decisions|benchmarks)\//;
const written = (await readPages()).filter(({ name }) => !generated.test(name));
const decisions = readdirSync(path.join(docsFolder, "decisions"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ name: `decisions/${name}`, text: readFileSync(path.join(docsFolder, "decisions", name), "utf8") }));
const readme = { name: "docs/README.md", text: readFileSync(path.join(docsFolder, "README.md"), "utf8") };

describe("pages that somebody wrote", () => {
  it("are found", () => {
    expect(written.map(({ name }) => name)).toEqual(expect.arrayContaining(["index.mdx", "start/index.mdx"]));
    expect(decisions.length).toBeGreaterThan(5);
  });

  it.each([...written, ...decisions, readme])("$name: every fenced block is checked and right", (page) => {
    expect(findFenceProblems(page, facts)).toEqual([]);
  });

  it.each(written)("$name: every snippet has its file and region", (page) => {
    for (const { file, region } of snippetsOf([page])) expect(readSnippet(file, region).code).not.toBe("");
  });
});

describe("the check of fences", () => {
  const check = (text: string) => findFenceProblems({ name: "page.mdx", text }, facts);
  const fence = (language: string, code: string) => `before\n\n\`\`\`${language}\n${code}\n\`\`\`\n`;

  it.each([
    ["ts", "const a = 1;", "page.mdx:3: a ts block is not compiled"],
    ["js title=x", "a", "page.mdx:3: a js block is not compiled"],
    ["", "a", "names no language"],
    ["cobol", "a", "cobol is none of"],
    ["json", "{ a: 1 }", "does not parse as JSON"],
    ["json", '{}\n{"a"', "does not parse as JSON"],
    ["yaml", "a: [1", "does not parse as YAML"],
    ["sh", "npm run nope", "npm run nope: there is no script nope"],
    ["sh", "cd x && npm run nope -- --a", "npm run nope -- --a: there is no script nope"],
    ["sh", "npm run docs -- --server", "--server is not a flag"],
    ["sh", "npm run docs -- --screenshots", "--screenshots has no value"],
    ["sh", "npm run docs --serve", "write -- before --serve"],
    ["sh", "npm test -- --only biom,tidi", '--only: the help of test names no "biom"'],
    ["sh", "npm test -- --only=biome,tidi", '--only: the help of test names no "tidi"'],
    ["sh", "npm test -- tidy", "tidy follows no flag"],
    ["sh", "npm start -- --twice", "--twice is not a flag of start"],
    ["sh", "npm run bench -- --quick --only redis", '--only: the help of bench names no "redis"'],
    ["sh", "npm run runtimes -- --only denu", '--only: the help of runtimes names no "denu"'],
    ["sh", "npm run sim -- --seed 5", "--seed is not a flag of sim"],
    ["sh", "npm run generate -- --dry", "generate takes no flags"],
    ["sh", "npm run example -- edge-wrker", "there is no example edge-wrker"],
    ["sh", "npm run example -- edge-worker --serve", "--serve is not a flag of example edge-worker"],
    ["sh", "docker compose -f deploy/composer.yaml up", "there is no file deploy/composer.yaml"],
    ["sh", "docker compose --file compose.yaml up", "there is no file compose.yaml"],
    ["sh", "node_modules/.bin/vitest run packages/rafft", "there is no file packages/rafft"],
    ["sh", "sh -v with-curls.sh", "there is no file with-curls.sh"],
    ["sh", "npx quorumguard launch", "there is no command launch"],
    ["sh", "quorumguard dev --node 3", "--node is not a flag of quorumguard dev"],
    ["sh", "quorumguard dev \\\n  --nodes 7", '--nodes is "7"'],
    ["sh", "A=b quorumguard node --data x", "--id is missing"],
    ["sh", "npx @quorumguard/cluster allow key 5", "give KEY LIMIT WINDOW"],
    ["sh", "npm run quorumguard -- status stray", '"stray" is not a flag'],
  ])("finds what is wrong in a block of %j: %j", (language, code, message) => {
    expect(check(fence(language, code))).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ["json", '{"a":1}\n{"b":2}'],
    ["yaml", "a: 1\n---\nb: [2]"],
    ["sh", "# quorumguard nothing\nquorumguard allow 'user 1' 5 1m --cost=2 > out 2>&1 | jq ."],
    ["sh", "npm start -- --once --nodes 5"],
    ["sh", "npm test -- --only biome,tidy --list"],
    ["sh", "npm run docs -- --serve=0 --screenshots pictures"],
    ["sh", "npm run example\nnpm run example -- NAME\nnpm run example -- node-express --serve"],
    ["sh", "docker compose -f deploy/compose.yaml up\nnode_modules/.bin/tsc -p packages/raft --noEmit"],
    ["text", "anything"],
  ])("finds nothing wrong in a block of %j: %j", (language, code) => {
    expect(check(fence(language, code))).toEqual([]);
  });

  it("knows files beside the page, and code that is compiled where it stands", () => {
    const page = { name: "examples/curl-and-grpcurl/README.md", text: fence("sh", "sh -v with-curl.sh") };
    expect(findFenceProblems(page, facts)).toEqual([]);
    const code = { name: "README.md", text: fence("ts", "const a = 1;") };
    expect(findFenceProblems(code, facts, { compiledInPlace: true })).toEqual([]);
  });

  it("reads blocks inside lists and quotes, and longer fences", () => {
    expect(fencesOf("- x\n\n  ```sh\n  a\n  ```\n")).toEqual([{ language: "sh", code: "a", line: 3 }]);
    expect(fencesOf("````text\n```ts\n```\n````\n")).toEqual([{ language: "text", code: "```ts\n```", line: 1 }]);
    expect(() => fencesOf("```sh\na\n")).toThrow("line 1: the fence ``` is never closed");
  });

  it("splits scripts into commands", () => {
    expect(commandsOf('a \'b c\' "d\\"e" # f\nX=1 Y=2 g\\ h; i | j && k')).toEqual([
      ["a", "b c", 'd"e'],
      ["g h"],
      ["i"],
      ["j"],
      ["k"],
    ]);
  });
});

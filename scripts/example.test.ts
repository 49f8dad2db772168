import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { inRepository } from "./repository.ts";

const clones: string[] = [];
afterEach(() => {
  for (const root of clones.splice(0)) fs.rmSync(root, { recursive: true, force: true });
});

/** A clone with the script and two examples of its own. Returns the script's path. */
function cloneWithExamples(main: string): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-example-"));
  clones.push(root);
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  };
  for (const name of ["example.ts", "repository.ts"]) {
    write(`scripts/${name}`, fs.readFileSync(inRepository("scripts", name), "utf8"));
  }
  write("package.json", JSON.stringify({ type: "module" }));
  write("examples/greet/package.json", JSON.stringify({ type: "module", description: "Says hello." }));
  write("examples/greet/main.ts", main);
  write("examples/unfinished/package.json", JSON.stringify({ description: "Has nothing to run." }));
  return path.join(root, "scripts", "example.ts");
}

function run(main: string, ...flags: string[]) {
  return spawnSync(process.execPath, [cloneWithExamples(main), ...flags], { encoding: "utf8" });
}

describe("npm run example", () => {
  it.each([[], ["--help"]])("lists what can be run, with a line each (%j)", (...flags: string[]) => {
    const { stdout, status } = run("", ...flags);
    expect(stdout).toContain("  greet  Says hello.\n");
    expect(stdout).not.toContain("unfinished");
    expect(status).toBe(0);
  });

  it.each(["nobody", "unfinished", "../greet", "constructor"])("%j is no example: it says which there are", (name) => {
    const { stdout, stderr, status } = run("", name);
    expect([stdout, status]).toEqual(["", 2]);
    expect(stderr).toContain(`${JSON.stringify(name)}; there are greet`);
  });

  it("hands on flags, streams and the exit status", () => {
    const { stdout, status } = run(
      "console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;",
      "greet",
      "--once",
      "a b",
    );
    expect([stdout, status]).toEqual(['["--once","a b"]\n', 7]);
  });

  it("says what went wrong without a stack: 2 for a wrong flag, 1 for the rest", () => {
    const parse = 'import { parseArgs } from "node:util"; parseArgs({ options: {} });';
    const wrong = run(parse, "greet", "--loud");
    expect([wrong.stderr.split("\n").length, wrong.status]).toEqual([2, 2]);
    expect(wrong.stderr).toMatch(/^greet: .*--loud/);
    const failed = run('throw new Error("no cluster");', "greet");
    expect([failed.stderr, failed.status]).toEqual(["greet: no cluster\n", 1]);
  });

  it("hands on signals", async () => {
    const main = 'process.on("SIGTERM", () => process.exit(9)); setInterval(() => {}, 1_000); console.log("waiting");';
    const child = spawn(process.execPath, [cloneWithExamples(main), "greet"], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await exited).toEqual([9, null]);
  });

  it("the real examples each have a README, a main.ts, a description and a test", () => {
    for (const name of fs.readdirSync(inRepository("examples"))) {
      const files = fs.readdirSync(inRepository("examples", name));
      expect(files, name).toEqual(expect.arrayContaining(["README.md", "main.ts", "package.json"]));
      expect(
        files.some((file) => file.endsWith(".e2e.test.ts")),
        `${name} has a test`,
      ).toBe(true);
    }
  });
});

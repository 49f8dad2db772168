import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { runFolder } from "./run-folder.ts";

const program = join(import.meta.dirname, "conformance.ts");
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with these files. */
function createFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "raft-scripts-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** What the runner prints, and its result. */
function run(folder: string, rewrite = false) {
  const lines: string[] = [];
  const result = runFolder(folder, rewrite, (text) => lines.push(...text.split("\n")));
  return { result, lines };
}

function runProgram(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  return { status, lines: stdout.trimEnd().split("\n"), stderr };
}

const vote = "vote cfg=(1) votes=(y)\n----\nVoteWon\n";
const simple = "simple\nv1\n----\nvoters=(1)\n1: StateProbe match=0 next=1\n";
const interaction = "add-nodes 1 voters=(1) index=3\n----\nok\n";

test("every .txt at any depth is run by what its commands are, whatever its name", () => {
  const folder = createFolder({
    "a.txt": vote,
    "deep/er/b.txt": simple,
    "deep/c.txt": interaction,
    LICENSE: "no script",
  });
  expect(run(folder)).toMatchObject({ result: { passed: 3, failed: 0 }, lines: ["3 passed, 0 failed"] });
});

test("each difference is printed with file, line, expected and actual, and later commands are judged as well", () => {
  const crash =
    "add-nodes 1 inflight=0\n----\nok\n\nraft-state\n----\n1: StateFollower (Voter) Term:0 Lead:0\n\nraft-log 1\n----\nwrong\n";
  const folder = createFolder({ "bad.txt": `${interaction}\n${crash}`, "good.txt": vote });
  const { lines } = run(folder);
  expect(lines.join("\n")).toMatch(
    /^bad.txt:5 add-nodes\n--- expected\nok\n--- actual\ncrashed: RangeError: maxInflightMessages: 0 is not(?:.|\n)*\n\nbad.txt:13 raft-log\n--- expected\nwrong\n--- actual\nlog is empty: /,
  );
  expect(lines.slice(-3)).toEqual(["bad.txt: 2 of 4 commands differ", "", "1 passed, 1 failed"]);
});

test("a file that is no script fails, and does not stop the others", () => {
  const folder = createFolder({ "a.txt": "lonely\n", "b.txt": "# nothing\n", "c.txt": vote });
  const { lines } = run(folder);
  expect(lines.join("\n")).toContain("a.txt:1 \n--- expected\na script\n--- actual\nline 1: lonely has no ----");
  expect(lines.at(-1)).toBe("1 passed, 2 failed");
});

test("what is named like a script and cannot be read has failed, with the reason, and does not stop the others", () => {
  const folder = createFolder({ "a.txt": vote, "c.txt/inner.txt": vote, "z.txt": vote });
  symlinkSync("nowhere", join(folder, "b.txt"));
  symlinkSync("loop.txt", join(folder, "loop.txt"));
  symlinkSync(".", join(folder, "round"));
  const { lines, result } = run(folder);
  expect(result).toEqual({ passed: 3, failed: 3 });
  const reasons = lines.filter((line) => line !== "");
  expect(reasons).toEqual([
    expect.stringMatching(/^b.txt: ENOENT: no such file or directory/),
    "c.txt: it is a folder",
    expect.stringMatching(/^loop.txt: ELOOP: /),
    "3 passed, 3 failed",
  ]);
  expect(runProgram(folder)).toMatchObject({ status: 1, stderr: "" });
});

test("so has a file that its owner may not read, and a folder that may not be listed", () => {
  const folder = createFolder({ "a.txt": vote, "b.txt": vote, "closed/c.txt": vote });
  chmodSync(join(folder, "b.txt"), 0);
  chmodSync(join(folder, "closed"), 0);
  const { result, lines } = run(folder);
  chmodSync(join(folder, "closed"), 0o700);
  // Nothing is closed to the superuser.
  if (process.getuid?.() === 0) {
    expect(result).toEqual({ passed: 3, failed: 0 });
    return;
  }
  expect(lines.filter((line) => line !== "")).toEqual([
    expect.stringMatching(/^b.txt: EACCES/),
    expect.stringMatching(/^closed: EACCES/),
    "1 passed, 2 failed",
  ]);
});

test("the program's status: 0 all passed, 1 a difference or no script, 2 wrong use", () => {
  const folder = createFolder({
    "good/a.txt": vote,
    "bad/b.txt": vote.replace("Won", "Lost"),
    "none/note.md": "nothing",
  });
  expect(runProgram(join(folder, "good"))).toMatchObject({ status: 0, lines: ["1 passed, 0 failed"] });
  expect(runProgram(join(folder, "bad"))).toMatchObject({ status: 1 });
  const none = join(folder, "none");
  expect(runProgram(none)).toMatchObject({ status: 1, lines: [`no .txt file below ${none}`, "0 passed, 0 failed"] });
  const absent = runProgram(join(folder, "absent"));
  expect(absent).toMatchObject({ status: 2, stderr: expect.stringContaining("there is no folder") });
});

test("--rewrite writes what the commands printed, and nothing else", () => {
  const folder = createFolder({ "a.txt": `# kept\n${vote.replace("VoteWon", "?")}\n# kept, too\nvote\n----\n` });
  expect(run(folder, true).result).toEqual({ passed: 1, failed: 0 });
  expect(readFileSync(join(folder, "a.txt"), "utf8")).toBe(`# kept\n${vote}\n# kept, too\nvote\n----\nVoteWon\n`);
  expect(run(folder)).toMatchObject({ lines: ["1 passed, 0 failed"] });
});

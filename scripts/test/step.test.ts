import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "@quorumguard/testbed";
import { expect, it, onTestFinished, vi } from "vitest";
import { compareTrees } from "../generate.ts";
import { installPackages, isDebian } from "../install-packages.ts";
import { runCommand } from "../run-command.ts";
import { countCells } from "./runtimes-step.ts";
import { countSeeds } from "./simulator-step.ts";
import { hasPassed, notCheckable, oneCheck, skippedChecks, sumResults } from "./step.ts";
import { describeFailures, describeRun, onOneLine } from "./summary.ts";
import { countTests } from "./vitest-step.ts";

it("a run passes only if something passed and nothing failed", () => {
  expect(hasPassed(sumResults([oneCheck(null), skippedChecks(["no nginx"])]), false)).toBe(true);
  expect(hasPassed(sumResults([oneCheck(null), oneCheck("broken")]), false)).toBe(false);
  expect(hasPassed(sumResults([skippedChecks(["no nginx"])]), false)).toBe(false);
});

it("a skip fails the run where everything can be installed", () => {
  expect(hasPassed(sumResults([oneCheck(null), skippedChecks(["no nginx"])]), true)).toBe(false);
  expect(hasPassed(sumResults([oneCheck(null), notCheckable("no main to compare with")]), true)).toBe(true);
});

it("tests are counted one by one, and a file that does not load is a failure", () => {
  const counted = countTests(
    {
      testResults: [
        {
          name: "/clone/a.test.ts",
          status: "failed",
          message: "",
          assertionResults: [
            { fullName: "a works", status: "passed" },
            { fullName: "a fails", status: "failed", failureMessages: ["Error: 1 is not 2\n    at a.ts:1"] },
            { fullName: "a waits for nginx", status: "skipped" },
          ],
        },
        { name: "/clone/b.test.ts", status: "failed", message: "Cannot find module c\nat …", assertionResults: [] },
      ],
    },
    "/clone",
  );
  expect(counted).toEqual({
    passed: 1,
    failed: 2,
    skipped: ["a.test.ts: a waits for nginx"],
    notes: [],
    failures: ["a.test.ts: a fails: Error: 1 is not 2", "b.test.ts: Cannot find module c"],
  });
});

it("seeds are counted only if the simulator accounts for all of them and ended accordingly", () => {
  const line = (summary: object) => `noise\n${JSON.stringify(summary)}\n`;
  expect(countSeeds(line({ seeds: 3, passed: 3, failed: 0 }), null, 3)).toMatchObject({ passed: 3, failed: 0 });
  const firstFailure = { seed: 2, violation: "two leaders" };
  expect(countSeeds(line({ seeds: 3, passed: 2, failed: 1, firstFailure }), "exit status 1", 3)).toMatchObject({
    passed: 2,
    failed: 1,
    failures: [expect.stringContaining("seed 2: two leaders")],
  });
  for (const [stdout, failure] of [
    ["", null],
    ["not JSON", null],
    ["null", null],
    [line({ seeds: 2, passed: 2, failed: 0 }), null],
    [line({ seeds: 3, passed: 1, failed: 0 }), null],
    [line({ seeds: 3, passed: 3, failed: 0 }), "exit status 1"],
    [line({ seeds: 3, passed: 2, failed: 1 }), null],
  ] as const) {
    expect(countSeeds(stdout, failure, 3), stdout).toMatchObject({ passed: 0, failed: 1 });
  }
});

it("cells are counted by their cases, and a cell that is skipped is a skip with its reason", () => {
  const cell = { sdk: "sdk-node", runtime: "bun", cases: 18, passed: 18, failed: 0, skipped: 0 };
  const skipped = { ...cell, runtime: "chromium", cases: 0, passed: 0, skipped: 1, skipReason: "no nginx; remedy: …" };
  const failed = { ...cell, passed: 17, failed: 1, failures: [{ name: "a denial", message: "was an error" }] };
  const line = (passed: boolean, ...cells: object[]) => `noise\n${JSON.stringify({ passed, cells })}\n`;
  expect(countCells(line(true, cell, cell), null)).toMatchObject({ passed: 36, failed: 0, skipped: [] });
  expect(countCells(line(false, cell, skipped), "exit status 1")).toMatchObject({
    passed: 18,
    failed: 0,
    skipped: ["sdk-node on chromium: no nginx; remedy: …"],
  });
  expect(countCells(line(false, cell, failed), "exit status 1")).toMatchObject({
    passed: 35,
    failed: 1,
    failures: ["sdk-node on bun: a denial: was an error"],
  });
  for (const [stdout, failure] of [
    ["", null],
    ["null", null],
    [line(true), null],
    [line(true, cell), "exit status 1"],
    [line(false, cell), "exit status 1"],
    [line(true, cell, skipped), null],
    [line(false, { ...cell, passed: 17 }, skipped), "exit status 1"],
    [line(true, { ...cell, cases: 0, passed: 0 }), null],
  ] as const) {
    expect(countCells(stdout, failure), stdout).toMatchObject({ failed: 1 });
  }
});

it("a matrix of which no cell ran says why", () => {
  const line = JSON.stringify({ passed: false, cells: [], problem: "the cluster did not form" });
  expect(countCells(line, "exit status 1")).toEqual(oneCheck("no cell ran: the cluster did not form"));
});

it("every failure is one line, and a step that tells of fewer than it counts says so", () => {
  const step = { name: "runtimes", title: "", run: async () => oneCheck(null) };
  const cell = "sdk-web on chromium: the runtime itself: \u001b[2mit ended\u001b[22m\n\n  no display\n";
  const result = { ...oneCheck(cell), passed: 256, failed: 3 };
  const run = { step, result, time: "30.1 s" };
  expect(describeFailures(run)).toEqual([
    "failed: runtimes: sdk-web on chromium: the runtime itself: it ended | no display",
    "failed: runtimes: 2 more; its own output says which",
  ]);
  expect(describeRun(run)).toBe("failed  runtimes             30.1 s   256 passed, 3 failed");
  expect(describeFailures({ ...run, result: oneCheck(null) })).toEqual([]);
  expect(onOneLine("x".repeat(2_000))).toHaveLength(902);
});

it("Debian is known by os-release, by itself or as an ancestor", () => {
  expect(isDebian('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n')).toBe(true);
  expect(isDebian('ID=ubuntu\nID_LIKE="debian"\n')).toBe(true);
  expect(isDebian('ID=fedora\nID_LIKE="rhel"\n')).toBe(false);
  expect(isDebian("")).toBe(false);
});

/** A PATH whose `apt-get` only notes what it was asked, and then does what `script` says. */
function fakeApt(script: string): { readonly folder: string; readonly log: () => string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-apt-"));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const write = (name: string, text: string) => fs.writeFileSync(path.join(folder, name), text, { mode: 0o755 });
  write("apt-get", `#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> ${folder}/log\n${script}\n`);
  write("sudo", '#!/bin/sh\nshift\nexec "$@"\n');
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  return { folder, log: () => fs.readFileSync(path.join(folder, "log"), "utf8") };
}

it("missing packages are installed by apt-get, after an update", async () => {
  const { folder, log } = fakeApt("case $1 in install) cp $0 $(dirname $0)/nginx;; esac");
  expect(await installPackages(["nginx"])).toBe(null);
  expect(findProgram("nginx")).toBe(path.join(folder, "nginx"));
  expect(log()).toBe("noninteractive update\nnoninteractive install -y --no-install-recommends nginx\n");
});

it("an installation that fails says which command did", async () => {
  fakeApt("exit 100");
  expect(await installPackages(["nginx"])).toBe("apt-get update: env ended with exit status 100");
  expect(await installPackages([])).toBe(null);
});

it("generated code that is missing, left over or different is named", () => {
  const committed = new Map([
    ["same.ts", "1"],
    ["old.ts", "1"],
    ["changed.ts", "1"],
  ]);
  const fresh = new Map([
    ["same.ts", "1"],
    ["new.ts", "1"],
    ["changed.ts", "2"],
  ]);
  expect(compareTrees(committed, fresh)).toEqual(["changed.ts differs", "new.ts is missing", "old.ts is left over"]);
  expect(compareTrees(committed, committed)).toEqual([]);
});

it("a command says how it ended", async () => {
  const node = (script: string, timeoutMs = 300_000) =>
    runCommand(process.execPath, ["-e", script], { timeoutMs, capture: true });
  expect(await node("console.log(1)")).toEqual({ failure: null, stdout: "1\n" });
  expect((await node("process.exit(3)")).failure).toContain("exit status 3");
  expect((await node("setInterval(() => {}, 1000)", 300)).failure).toContain("killed after 0.3 s");
  expect((await runCommand("no-such-command", [], { timeoutMs: 1_000 })).failure).toContain("did not start");
});

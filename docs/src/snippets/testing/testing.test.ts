import { describe, expect, it } from "vitest";
import { readPageSteps } from "./page-steps.ts";
import { describeDifference } from "./same-output.ts";

describe("describeDifference", () => {
  it("lets through what is another run's: times, processes, who leads, the order of rows", () => {
    const shown =
      "  1  3145  follows  127.0.0.1:1  http://127.0.0.1:3\n  2  3146  leads  127.0.0.1:2  http://127.0.0.1:4\n";
    const printed =
      "  1  77  leads  127.0.0.1:1  http://127.0.0.1:3\n  2  78  follows  127.0.0.1:2  http://127.0.0.1:4\n";
    expect(describeDifference(shown, printed)).toBeNull();
    expect(describeDifference("Retry-After: 300\n", "Retry-After: 287\n")).toBeNull();
    expect(describeDifference("not now, alice: limited (leader)\n", "not now, alice: limited (quorum)\n")).toBeNull();
    expect(describeDifference("", "")).toBeNull();
  });

  it.each([
    ["another count", "hello alice, 4 left\n", "hello alice, 3 left\n"],
    ["an admission without the log", "hello alice, 4 left (quorum)\n", "hello alice, 4 left (local)\n"],
    ["a refusal without the cluster", "not now, a: limited (leader)\n", "not now, a: limited (local)\n"],
    ["a line too many", "one\n", "one\ntwo\n"],
    ["a line too few", "one\ntwo\n", "one\n"],
    ["two leaders", "1  3145  follows  a  b\n", "1  3145  leads  a  b\n"],
    ["a wait that is no rest of the window", "Retry-After: 300\n", "Retry-After: 30\n"],
  ])("tells of %s", (_, shown, printed) => {
    expect(describeDifference(shown, printed)).toContain("the page shows");
  });

  it("takes … for any lines, and for any rest of a line", () => {
    expect(describeDifference("…\nend\n", "a\nb\nend\n")).toBeNull();
    expect(describeDifference("a\n  …\nend\n", "a\n  b\n  c\nend\n")).toBeNull();
    expect(describeDifference("begin …\n", "begin with this\n")).toBeNull();
    expect(describeDifference("…\nend\n", "a\nb\n")).not.toBeNull();
  });
});

describe("readPageSteps", () => {
  it("reads commands with what they print, files to save, and Ctrl-C", () => {
    const page = [
      '```sh title="terminal 1"\necho a\n```\n\n```text title="prints"\na\n```',
      '<Snippet file="start/server.mjs" title="server.mjs" />',
      '<Snippet file="examples/edge-worker/worker.ts" title="worker.ts" />',
      '```text title="terminal 1"\n^C\nstopping\n```',
    ].join("\n\n");
    expect(readPageSteps(page)).toEqual([
      { kind: "type", terminal: 1, command: "echo a", prints: "a\n" },
      { kind: "save", snippet: "start/server.mjs", name: "server.mjs" },
      { kind: "interrupt", terminal: 1, prints: "stopping\n" },
    ]);
  });

  it("refuses a block that has no place in the story", () => {
    expect(() => readPageSteps("```sh\nrm x\n```")).toThrow('titled ""');
    expect(() => readPageSteps('```text title="prints"\na\n```')).toThrow("neither");
  });
});

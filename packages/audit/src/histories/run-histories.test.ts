import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { checkHistoryText } from "./check-history-text.ts";
import { HistoryError } from "./history-error.ts";
import { type FileReport, readVerdicts, runHistories } from "./run-histories.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A folder with these files, judged; by path, what each came to. */
async function run(files: Readonly<Record<string, string>>): Promise<Map<string, FileReport>> {
  const folder = await mkdtemp(join(tmpdir(), "histories-"));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const reports = new Map<string, FileReport>();
  for await (const report of runHistories(folder, 60_000)) reports.set(report.path, report);
  return reports;
}

const line = (process: number, type: string, verb: string, value: string) =>
  `INFO  jepsen.util - ${process}\t:${type}\t:${verb}\t${value}`;
const verdictOf = (lines: readonly string[]) => checkHistoryText(lines.join("\n"), {}).verdict;

describe("a register's log", () => {
  test("swaps that failed saw another value", () => {
    const begin = [line(0, "invoke", "write", "3"), line(0, "ok", "write", "3"), line(1, "invoke", "cas", "[3 4]")];
    expect(verdictOf([...begin, line(1, "ok", "cas", "[3 4]")])).toBe("ok");
    expect(verdictOf([...begin, line(1, "fail", "cas", "[3 4]")])).toBe("illegal");
    expect(verdictOf([...begin, line(1, "fail", "cas", ":timed-out")])).toBe("ok");
  });

  test("a write that timed out may be seen at any later time; a read that did counts for nothing", () => {
    const lost = [
      line(0, "invoke", "write", "3"),
      line(1, "invoke", "read", "nil"),
      line(0, "info", "write", ":timed-out"),
    ];
    const reads = [line(1, "fail", "read", ":timed-out"), line(6, "invoke", "read", "nil")];
    expect(verdictOf([...lost, ...reads, line(6, "ok", "read", "3")])).toBe("ok");
    expect(verdictOf([...lost, ...reads, line(6, "ok", "read", "nil")])).toBe("ok");
    expect(verdictOf([...lost, ...reads, line(6, "ok", "read", "4")])).toBe("illegal");
    expect(verdictOf([...lost, line(1, "info", "read", ":timed-out")])).toBe("ok");
  });

  test("an operation that the file does not end, or that its process left behind, is of unknown outcome", () => {
    const open = [line(0, "invoke", "write", "3"), line(1, "invoke", "read", "nil"), line(1, "ok", "read", "3")];
    expect(verdictOf(open)).toBe("ok");
    expect(verdictOf([...open, line(0, "invoke", "read", "nil"), line(0, "ok", "read", "3")])).toBe("ok");
  });

  test("other lines, blank lines and CRLF do not matter", () => {
    const noise = ["", "INFO  jepsen.core - Everything set up", "INFO  jepsen.util - :nemesis\t:info\t:start\tnil"];
    const lines = [...noise, line(0, "invoke", "write", "3"), "", line(0, "ok", "write", "3"), ...noise];
    expect(checkHistoryText(lines.join("\r\n"), {}).verdict).toBe("ok");
  });

  test("what cannot be understood is said with its line", () => {
    expect(() => verdictOf([line(0, "ok", "read", "3")])).toThrow(/line 1: process 0 ends \(:ok\) what it never began/);
    expect(() => verdictOf([line(0, "invoke", "drop", "3")])).toThrow(/line 1: :drop is none of/);
    expect(() => verdictOf([line(0, "invoke", "cas", "3")])).toThrow(/expected \[FROM TO\]/);
    expect(() => verdictOf(["hello"])).toThrow(HistoryError);
  });
});

describe("a key-value store's log", () => {
  const entry = (process: number, type: string, verb: string, value: string) =>
    `{:process ${process}, :type :${type}, :f :${verb}, :key "a b", :value ${value}}`;

  test("gets, puts and appends, with texts in quotes", () => {
    const put = [entry(0, "invoke", "put", '"x \\"1\\" y"'), entry(0, "ok", "put", '"x \\"1\\" y"')];
    const append = [entry(1, "invoke", "append", '"}, :f"'), entry(1, "ok", "append", '"}, :f"')];
    const get = (text: string) => [entry(2, "invoke", "get", "nil"), entry(2, "ok", "get", text)];
    expect(verdictOf([...put, ...append, ...get('"x \\"1\\" y}, :f"')])).toBe("ok");
    expect(verdictOf([...put, ...append, ...get('"x \\"1\\" y"')])).toBe("illegal");
    expect(verdictOf([...get('""'), "", ...put])).toBe("ok");
  });

  test("an append of unknown outcome may have happened or not; a get that failed tells nothing", () => {
    const lost = [entry(0, "invoke", "append", '"x"'), entry(0, "info", "append", ":timed-out")];
    for (const text of ['"x"', '""'])
      expect(verdictOf([...lost, entry(1, "invoke", "get", "nil"), entry(1, "ok", "get", text)])).toBe("ok");
    expect(verdictOf([...lost, entry(1, "invoke", "get", "nil"), entry(1, "fail", "get", "nil")])).toBe("ok");
  });

  test("what cannot be understood is said with its line", () => {
    expect(() => verdictOf(["{:process 0, :type :invoke, :f :get}"])).toThrow(/line 1: field :key is missing/);
    expect(() => verdictOf(['{:process 0, :type :began, :f :get, :key "1"}'])).toThrow(/:type is began/);
    expect(() => verdictOf(["{:process 0", "x"])).toThrow(/line 1: expected a map/);
  });
});

describe("a folder of histories", () => {
  const good = [line(0, "invoke", "write", "3"), line(0, "ok", "write", "3")].join("\n");
  const bad = [line(0, "invoke", "read", "nil"), line(0, "ok", "read", "3")].join("\n");

  test("each file is held against its verdict; a file that is missing or means nothing fails by its name", async () => {
    const verdicts =
      "a/good.log\ttrue\r\n\r\na/bad.log\tfalse\tnote\na/wrong.log\ttrue\nnone.log\ttrue\nempty.log\ttrue\n";
    const files = { "a/good.log": good, "a/bad.log": bad, "a/wrong.log": bad, "empty.log": "" };
    const reports = await run({ "verdicts.tsv": verdicts, ...files });
    expect([...reports.values()].map(({ path, passed }) => [path, passed])).toEqual([
      ["a/good.log", true],
      ["a/bad.log", true],
      ["a/wrong.log", false],
      ["none.log", false],
      ["empty.log", false],
    ]);
    expect(reports.get("a/wrong.log")!.problem).toMatch(/illegal, expected linearizable[\s\S]*read -> 3/);
    expect(reports.get("none.log")!.problem).toMatch(/missing/);
    expect(reports.get("empty.log")!.problem).toMatch(/no operation found/);
  });

  test("a bad folder or table is refused with what was expected", async () => {
    await expect(run({})).rejects.toThrow(/verdicts.tsv cannot be read \(ENOENT\)/);
    await expect(run({ "verdicts.tsv": "a.log maybe\n" })).rejects.toThrow(/line 1: expected PATH, tab, true or false/);
    expect(() => readVerdicts("\n")).toThrow(/names no history/);
    const nowhere = runHistories(join(tmpdir(), "no such folder"), 1_000);
    await expect(nowhere.next()).rejects.toThrow(/is no folder/);
  });
});

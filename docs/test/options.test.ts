import { describe, expect, it } from "vitest";
import { readOptions, WrongUsage } from "../src/site/options.ts";
import { errorsIn } from "../src/site/run-program.ts";

describe("npm run docs", () => {
  const nothing = { help: false, servePort: null, screenshots: null };
  it.each([
    [[], nothing],
    [["--help"], { ...nothing, help: true }],
    [["--serve"], { ...nothing, servePort: 4321 }],
    [["--serve", "0"], { ...nothing, servePort: 0 }],
    [["--serve=8080", "--screenshots", "out"], { ...nothing, servePort: 8080, screenshots: "out" }],
    [["--serve", "--screenshots=a=b"], { ...nothing, servePort: 4321, screenshots: "a=b" }],
  ])("reads %j", (args, options) => {
    expect(readOptions(args)).toEqual(options);
  });

  it.each([
    [["--nope"], "--nope is not a flag: write --serve [PORT], --screenshots FOLDER or nothing"],
    [["stray"], "stray is not a flag"],
    [["--serve", "70000"], '--serve is "70000": it must be a port, a whole number from 0 to 65535'],
    [["--serve", "x"], '--serve is "x"'],
    [["--serve="], '--serve is ""'],
    [["--screenshots"], "--screenshots has no value: write --screenshots FOLDER"],
    [["--screenshots", "--serve"], "--screenshots has no value"],
  ])("refuses %j and says what to write", (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
    expect(() => readOptions(args)).toThrow(WrongUsage);
  });

  it("repeats a tool's errors without its progress and its stacks", () => {
    const output = "12:00 progress\n12:01 [ERROR] [links] bad\n  a.mdx\n    at f (x.js:1)\n    at g (y.js:2)";
    expect(errorsIn(output)).toBe("12:01 [ERROR] [links] bad\n  a.mdx");
    expect(errorsIn("tsc says\n nothing else")).toBe("tsc says\n nothing else");
  });
});

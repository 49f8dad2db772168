import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const run = (file: string, ...flags: readonly string[]) =>
  spawnSync(
    process.execPath,
    ["--conditions=quorumguard-source", fileURLToPath(new URL(file, import.meta.url)), ...flags],
    { encoding: "utf8", input: "" },
  );

test.each([
  ["cli.ts", ["--seed", "7"], "'--seed'", "--seeds N"],
  ["cli.ts", ["7"], "'7'", "--seeds N"],
  ["cli.ts", ["--seeds"], "'--seeds <value>'", "--seeds N"],
  ["mutants-cli.ts", ["--bogus"], "'--bogus'", "--only NAME"],
  ["exactness-cli.ts", ["--bogus"], "'--bogus'", "standard input"],
] as const)(
  "%s %j: says what is wrong and the usage, and ends with 2, not as if a run had failed",
  (file, flags, named, usage) => {
    const { status, stdout, stderr } = run(file, ...flags);
    expect(stderr.split("\n")[0]).toContain(named);
    expect(stderr).toContain(usage);
    expect(stderr).not.toMatch(/^ +at .*:\d+/m);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  },
);

test.each(["cli.ts", "mutants-cli.ts", "exactness-cli.ts"])("%s --help gives the usage on standard output", (file) => {
  const { status, stdout, stderr } = run(file, "--help");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).not.toBe("");
});

import { expect, test } from "vitest";
import { commands, program } from "../../../packages/cluster/src/cli/commands.ts";
import { commandLinePage, flagDefault } from "./command-line.ts";

const { body } = commandLinePage({ ...program, commands });

/** A command's section, without those of the others. */
function sectionOf(command: string): string {
  const found = body.split(/^## /m).find((part) => part.startsWith(`quorumguard ${command}\n`));
  if (found === undefined) throw new Error(`no section for ${command}`);
  return found;
}

test.each(commands)("the section of $name has every flag once, with its default, and every exit status", (command) => {
  const section = sectionOf(command.name);
  const rows = section.split("\n").filter((line) => line.startsWith("| `--"));
  expect(rows.map((row) => /--[a-z-]+/.exec(row)?.[0])).toEqual(command.flags.map(({ name }) => `--${name}`));
  for (const [at, flag] of command.flags.entries()) expect(rows[at]).toContain(`| ${flagDefault(flag)} |`);
  for (const { status, text } of command.exitStatuses) expect(section).toContain(`| ${status} | ${text}`);
  for (const example of command.examples) expect(section).toContain(example.command);
  for (const operand of command.operands) expect(section).toContain(`| \`${operand.name}\` |`);
});

test("what counts without a flag", () => {
  const flag = { name: "x", value: "N", text: "t" };
  expect(flagDefault({ ...flag, required: true })).toBe("required");
  expect(flagDefault({ ...flag, default: 5_000 })).toBe("`5000`");
  expect(flagDefault({ ...flag, otherwise: "one of --cluster" })).toBe("one of `--cluster`");
  expect(flagDefault({ ...flag, environment: "HOME", default: "a" })).toBe("`$HOME`, else `a`");
  expect([flagDefault(flag), flagDefault({ name: "x", text: "t" })]).toEqual(["none", "off"]);
});

test("bounds are said, unless the words already say them", () => {
  const command = { name: "c", summary: "s", examples: [], operands: [], notes: [], exitStatuses: [] };
  const page = (text: string) =>
    commandLinePage({
      name: "p",
      summary: "s",
      flags: [],
      commands: [{ ...command, flags: [{ name: "x", value: "N", text, bounds: [1, 2_000] as const }] }],
    }).body;
  expect(page("how many")).toContain("how many; 1 to 2,000");
  expect(page("1 or 2000")).toContain("| 1 or 2000 |");
});

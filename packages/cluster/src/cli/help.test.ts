import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { CommandSpec } from "./command-spec.ts";
import { commands, program } from "./commands.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp, flagDefault, flagLabel, programHelp } from "./help.ts";
import { nearestName } from "./nearest-name.ts";

const specs: readonly CommandSpec[] = commands;

describe.each(specs.map((spec) => [spec.name, spec] as const))("the help of %s", (_, spec) => {
  const help = commandHelp(spec);
  // Lines break at spaces only, so what was said is found again once they are joined.
  const flowing = help.replace(/\s+/g, " ");

  it("says everything that the command takes, and when it ends with what", () => {
    for (const flag of spec.flags) {
      expect(flowing).toContain(flagLabel(flag));
      expect(flowing).toContain(flag.text);
      expect(flowing).toContain(flagDefault(flag));
    }
    for (const operand of spec.operands) expect(flowing).toContain(`${operand.name} ${operand.text}`);
    for (const { status, text } of spec.exitStatuses) expect(flowing).toContain(`${status} ${text}`);
    for (const note of spec.notes) expect(flowing).toContain(note);
  });

  it("fits into 100 columns, with the texts of all flags in one column", () => {
    const lines = help.split("\n");
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(100);
    const flags = lines.filter((line) => /^ {2}-/.test(line));
    const starts = new Set(flags.map((line) => line.search(/(?<=\S {2,})[^\s-]/)));
    expect(flags).toHaveLength(spec.flags.length);
    expect(starts.size).toBe(1);
  });

  it("shows examples that the command understands", () => {
    for (const { command } of spec.examples) {
      const words = command.replaceAll("\\\n", " ").split(/\s+/);
      const named = [program.name, ...spec.name.split(" ")];
      expect(words.slice(0, named.length)).toEqual(named);
      expect(() => parseFlags(words.slice(named.length), spec)).not.toThrow();
    }
  });

  it("knows its defaults to be within their own bounds and choices", () => {
    for (const flag of spec.flags) {
      if (flag.default === undefined) continue;
      if (flag.choices !== undefined) expect(flag.choices).toContain(flag.default);
      if (flag.bounds !== undefined) {
        expect(flag.default).toBeGreaterThanOrEqual(flag.bounds[0]);
        expect(flag.default).toBeLessThanOrEqual(flag.bounds[1]);
      }
    }
  });
});

it("the program's help names every command and fits into 100 columns", () => {
  const help = programHelp(program, specs);
  for (const spec of specs) expect(help).toMatch(new RegExp(`quorumguard ${spec.name} .*${spec.summary}`));
  for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(100);
});

it.each([
  ["staus", "status"],
  ["stat", "status"],
  ["alow", "allow"],
  ["ndoe", "node"],
  ["nod", "node"],
  ["x", null],
  ["restart", null],
])("who types %s means %s", (typed, meant) => {
  expect(
    nearestName(
      typed,
      specs.map((spec) => spec.name),
    ),
  ).toBe(meant);
});

it("help loads neither the server nor a client", { timeout: 120_000 }, async () => {
  const command = fileURLToPath(new URL("./main.ts", import.meta.url));
  const report =
    "process.on('exit',()=>console.log(process.getBuiltinModule('module')._cache&&JSON.stringify(Object.keys(process.getBuiltinModule('module')._cache))))";
  const show = async (spec: CommandSpec) => {
    const args = ["--conditions=quorumguard-source", "--import", `data:text/javascript,${report}`, command];
    // It rejects with what was said if the command does not end with 0.
    const { stdout } = await promisify(execFile)(process.execPath, [...args, ...spec.name.split(" "), "--help"]);
    expect(stdout).toContain(commandHelp(spec));
    for (const library of ["grpc-js", "pino", "prom-client"]) expect(stdout).not.toContain(library);
  };
  // As many at once as help on a small machine, and no more.
  for (let at = 0; at < specs.length; at += 4) await Promise.all(specs.slice(at, at + 4).map(show));
});

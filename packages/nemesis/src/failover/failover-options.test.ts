import { expect, test } from "vitest";
import { UsageError } from "../usage-error.ts";
import { failoverFaults, failoverHelp, parseFailoverOptions } from "./failover-options.ts";

const parse = (...args: string[]) => parseFailoverOptions(args);

test("defaults: fifteen killed leaders, and guards that throw", () => {
  expect(parse()).toEqual({ trials: 15, fault: "kill", defaults: false, json: false, keep: false, help: false });
});

test("flags are read, with a value behind a space or an equals sign", () => {
  expect(parse("--trials", "200", "--fault=stall-disk", "--defaults", "--json", "--keep")).toEqual({
    ...{ trials: 200, fault: "stall-disk", defaults: true, json: true, keep: true, help: false },
  });
  expect(parse("-h").help).toBe(true);
});

test.each([
  [["--trials", "0"], '--trials is "0": it must be a whole number from 1 to 10000'],
  [["--trials", "10001"], '--trials is "10001": it must be a whole number from 1 to 10000'],
  [["--trials", "2.5"], '--trials is "2.5": it must be a whole number from 1 to 10000'],
  [["--trials="], '--trials is "": it must be a whole number from 1 to 10000'],
  [["--trials"], "--trials has no value: write one after it"],
  [
    ["--fault", "earthquake"],
    '--fault is "earthquake": it must be kill, pause, partition, stall-disk or rolling-restart',
  ],
  [["--json=yes"], '--json is "yes": it takes no value, write --json alone'],
  [["--fast"], "--fast is no flag of this command; there are --trials, --fault, --defaults, --json, --keep, --help"],
  [["pause"], '"pause" follows no flag: write --fault pause'],
])("%j is refused with what to write", (args, message) => {
  expect(() => parse(...args)).toThrow(new UsageError(message));
});

test("every fault can be chosen, and is explained", () => {
  for (const fault of failoverFaults) {
    expect(parse("--fault", fault).fault).toBe(fault);
    expect(failoverHelp).toMatch(new RegExp(`\\s${fault}  `));
  }
});

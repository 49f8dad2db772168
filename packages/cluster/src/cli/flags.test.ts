import { describe, expect, it, vi } from "vitest";
import { parseCluster, parseHostPort } from "./addresses.ts";
import { allowCommand } from "./allow-command.ts";
import type { CommandSpec } from "./command-spec.ts";
import { devCommand } from "./dev-command.ts";
import { parseFlags } from "./flags.ts";
import { nodeCommand } from "./node-command.ts";
import { statusCommand } from "./status-command.ts";

describe("addresses", () => {
  it.each([
    ["127.0.0.1:7400", { host: "127.0.0.1", port: 7400 }],
    ["node-1.example:0", { host: "node-1.example", port: 0 }],
    ["[::1]:7400", { host: "::1", port: 7400 }],
  ])("reads %s", (text, expected) => {
    expect(parseHostPort("grpc", text)).toEqual(expected);
  });

  it.each(["", "7400", "host", "host:", ":7400", "host:-1", "host:1:2", "::1:7400", "host:7400x"])(
    "refuses %j by flag and value",
    (text) => {
      expect(() => parseHostPort("grpc", text)).toThrow(`--grpc is ${JSON.stringify(text)}: it must be host:port`);
    },
  );

  it("reads a cluster", () => {
    expect(parseCluster("1=a:1, 2=[::1]:2")).toEqual([
      { nodeId: 1, host: "a", port: 1 },
      { nodeId: 2, host: "::1", port: 2 },
    ]);
  });

  it.each(["", "a:1", "x=a:1", "1=a:1,", "1=a", "-1=a:1"])("refuses the cluster %j", (text) => {
    expect(() => parseCluster(text)).toThrow(/--cluster (has|is) "/);
  });
});

const spec = {
  name: "try",
  summary: "a command of this test",
  examples: [],
  operands: [],
  flags: [
    { name: "count", value: "N", text: "how many", bounds: [1, 9] },
    { name: "word", value: "WORD", text: "a word", default: "red", choices: ["red", "green"] },
    {
      name: "list",
      value: "LIST",
      text: "words",
      repeatable: true,
      environment: "QUORUMGUARD_TEST_LIST",
      default: "a",
    },
    { name: "must", value: "X", text: "needed", required: true },
    { name: "on", short: "o", text: "a switch" },
  ],
  notes: [],
  exitStatuses: [],
} as const satisfies CommandSpec;

describe("flags", () => {
  it("reads whole numbers within their bounds only", () => {
    expect(parseFlags(["--count", "7"], spec).whole("count")).toBe(7);
    expect(parseFlags([], spec).whole("count")).toBeUndefined();
    for (const value of ["0", "10", "1.5", "-1", "7x", "", "1e1"]) {
      const flags = parseFlags([`--count=${value}`], spec);
      expect(() => flags.whole("count")).toThrow(
        `--count is ${JSON.stringify(value)}: it must be a whole number from 1 to 9`,
      );
    }
  });

  it("fills in variable and default, in this order, and insists on what is required", () => {
    expect(parseFlags([], spec).choice("word")).toBe("red");
    expect(parseFlags([], spec).all("list")).toEqual(["a"]);
    vi.stubEnv("QUORUMGUARD_TEST_LIST", "b");
    expect(parseFlags([], spec).all("list")).toEqual(["b"]);
    expect(parseFlags(["--list", "c", "--list", "d"], spec).all("list")).toEqual(["c", "d"]);
    vi.stubEnv("QUORUMGUARD_TEST_LIST", "");
    expect(parseFlags([], spec).all("list")).toEqual(["a"]);
    vi.unstubAllEnvs();
    expect(() => parseFlags([], spec).text("must")).toThrow("--must is missing; see quorumguard try --help");
    expect(parseFlags(["-o"], spec).has("on")).toBe(true);
  });

  it.each([
    [["--nope"], "--nope is not a flag of quorumguard try; see quorumguard try --help"],
    [["--cuont", "1"], "--cuont is not a flag of quorumguard try; did you mean --count?"],
    [["--coun=1"], "--coun is not a flag of quorumguard try; did you mean --count?"],
    [["-x"], "-x is not a flag of quorumguard try; see quorumguard try --help"],
    [["--count"], "--count has no value: write --count N, or --count=N; see quorumguard try --help"],
    [["--count", "--on"], "--count has no value: write --count N"],
    [["--count", "-1"], '--count is "-1": it must be a whole number from 1 to 9'],
    [["--count", "1", "--count=2"], "--count is given twice; give it once"],
    [["--on=yes"], "--on takes no value: write --on alone"],
    [["count"], '"count" is not a flag; did you mean --count?'],
    [["elsewhere"], '"elsewhere" is not a flag; see quorumguard try --help'],
  ])("refuses %j and says what to write", (args, message) => {
    expect(() => parseFlags(args, spec)).toThrow(message);
  });
});

describe("a command used wrongly says how, before it does anything", () => {
  const founders = ["--cluster", "1=127.0.0.1:7401", "--data", "unused"];
  it.each([
    [nodeCommand, [], "--id is missing"],
    [nodeCommand, ["--id", "0", ...founders], '--id is "0"'],
    [nodeCommand, ["--id", "1"], "--cluster is missing"],
    [nodeCommand, ["--id", "1", "--cluster", "1=127.0.0.1:70000"], "the port must be a whole number from 0 to 65535"],
    [nodeCommand, ["--id", "1", "--cluster", "1=127.0.0.1:7401"], "--data is missing"],
    [nodeCommand, ["--id", "1", ...founders, "--log-level", "loud"], '--log-level is "loud": it must be one of error'],
    [nodeCommand, ["--id", "1", ...founders, "--tls-cert", "/nope"], '--tls-cert is "/nope": ENOENT'],
    [nodeCommand, ["--id", "1", ...founders, "--advertise-http", "host:1"], "it must begin with http"],
    [nodeCommand, ["--id", "1", ...founders, "stray"], '"stray" is not a flag'],
    [devCommand, ["--nodes", "4"], "--nodes is 4"],
    [devCommand, ["--nodes", "9"], '--nodes is "9"'],
    [statusCommand, ["stray"], '"stray" is not a flag'],
    [statusCommand, ["--endpoints", ","], "--endpoints is empty"],
    [allowCommand, ["key", "5"], "give KEY LIMIT WINDOW"],
    [allowCommand, ["key", "5", "1m", "--policy", "login"], "give KEY alone with --policy"],
    [allowCommand, ["--policy", "login"], "give KEY alone with --policy"],
    [allowCommand, ["key", "--policy", "login", "--burst", "5"], "--burst is the policy's to say"],
    [allowCommand, ["key", "--policy", "login", "--algorithm", "fixed-window"], "--algorithm is the policy's to say"],
    [allowCommand, ["key", "--policy", ""], "--policy is empty"],
    [allowCommand, ["key", "5", "1m", "--tls-ca", "/nope"], '--tls-ca is "/nope": ENOENT'],
    [allowCommand, ["key", "1.5", "1m"], 'LIMIT is "1.5"'],
    [allowCommand, ["key", "2147483648", "1m"], "from 0 to 2147483647"],
    [allowCommand, ["key", "5", "60"], 'WINDOW is "60": write 60s for seconds or 60ms for milliseconds'],
    [allowCommand, ["key", "5", "1y"], 'WINDOW is "1y": write a number with its unit'],
    [allowCommand, ["key", "5", "1m", "--algorithm", "leaky"], '--algorithm is "leaky"'],
    [allowCommand, ["key", "5", "1m", "--cost", "0"], '--cost is "0"'],
  ])("%o %j", async (command, args, message) => {
    await expect(command(args)).rejects.toThrow(message);
    await expect(command(args)).rejects.toHaveProperty("name", "UsageError");
  });
});
